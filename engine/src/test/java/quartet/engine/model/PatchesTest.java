package quartet.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import quartet.engine.backends.BackendKind;
import quartet.engine.model.unet.FreeU;
import quartet.engine.model.unet.HyperTile;
import quartet.engine.model.unet.Patches;
import quartet.engine.model.unet.PromptContext;
import quartet.engine.model.unet.Steering;
import quartet.engine.run.CancelToken;
import quartet.engine.sampling.ControlNets;
import quartet.engine.sampling.CustomRequest;
import quartet.engine.sampling.KSampler;
import quartet.engine.sampling.SamplingListener;
import quartet.engine.value.Conditioning;
import quartet.engine.value.Guidance;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.ModelOptions;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.testkit.TensorAssertions;

/** Changes inside the network, and second predictions, against {@code tools/goldens/patches.py}. */
final class PatchesTest {
  private static final double TENSOR = 1e-5;
  private static final double RUN = 1e-4;
  private static final double CFG = 5.0;

  private static Conditioning text(GoldenSetting setting, String name) {
    return Conditioning.of(setting.floats(name), 77, 32, null);
  }

  /** One evaluation of two items under the positive text. */
  private static float[] evaluated(GoldenSetting setting, Patches patches) {
    try (TensorScope scope = setting.opened().backend().openScope("test")) {
      Ops ops = scope.ops();
      float[] one = setting.floats("positive");
      float[] two = new float[2 * one.length];
      System.arraycopy(one, 0, two, 0, one.length);
      System.arraycopy(one, 0, two, one.length, one.length);
      HostTensor tokens = HostTensor.of(Shape.of(2, 77, 32), two);
      DiffusionModel model = setting.models().diffusion();
      PromptContext context = model.prepare(scope, tokens);
      Tensor x = ops.toChannelsLast(ops.upload(setting.expected().tensor("x")));
      Steering steering = new Steering(Map.of(), Map.of(), null, patches);
      Tensor eps = model.predict(scope, x, new float[] {250, 250}, context, steering);
      return ops.download(ops.toChannelsFirst(eps));
    }
  }

  /** Three steps of Euler's method. */
  private static float[] sampled(
      GoldenSetting setting,
      UnaryOperator<ModelOptions> options,
      Guidance guidance,
      int batch,
      int height,
      int width) {
    DiffusionModel model = setting.models().diffusion();
    float[] sigmas = new float[4];
    for (int i = 0; i < 3; i++) {
      sigmas[i] = model.schedule().sigma(999f - i * 999f / 2);
    }
    CustomRequest request =
        new CustomRequest(
            42, true, guidance, "euler", sigmas, LatentBatch.zeros(batch, 4, height, width));
    return KSampler.sample(
            setting.opened().backend(),
            model.with(options.apply(ModelOptions.NONE)),
            ControlNets.NONE,
            request,
            SamplingListener.NONE,
            CancelToken.NEVER)
        .latent()
        .values();
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void freeUChangesTheUpwardHalf(BackendKind kind) {
    try (GoldenSetting setting = GoldenSetting.of("tiny_patches", kind)) {
      setting.assertClose("plain", evaluated(setting, Patches.NONE), TENSOR);
      Map<String, ModelOptions.FreeU> versions =
          Map.of(
              "freeu", new ModelOptions.FreeU(1.1, 1.2, 0.9, 0.2, false),
              "freeu_v2", new ModelOptions.FreeU(1.3, 1.4, 0.9, 0.2, true));
      versions.forEach(
          (name, choice) -> {
            try (FreeU freeU = new FreeU(setting.opened().backend(), choice, 32)) {
              float[] changed = evaluated(setting, new Patches(null, null, freeU));
              setting.assertClose(name, changed, TENSOR);
              assertChanged(changed, setting.floats("plain"));
            }
          });
    }
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void tokensAttendWithinTiles(BackendKind kind) {
    try (GoldenSetting setting = GoldenSetting.of("tiny_patches", kind)) {
      Map<String, ModelOptions.HyperTile> choices =
          Map.of(
              "tiles", new ModelOptions.HyperTile(32, 2, 0, false),
              "tiles_deep", new ModelOptions.HyperTile(32, 2, 1, false),
              "tiles_scaled", new ModelOptions.HyperTile(32, 2, 1, true));
      choices.forEach(
          (name, choice) -> {
            float[] changed = evaluated(setting, new Patches(null, new HyperTile(choice), null));
            setting.assertClose(name, changed, TENSOR);
            assertChanged(changed, setting.floats("plain"));
          });
    }
  }

  private static void assertChanged(float[] actual, float[] plain) {
    assertThat(TensorAssertions.relativeRms(actual, plain)).isGreaterThan(1e-3);
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void secondPredictionsGuide(BackendKind kind) {
    try (GoldenSetting setting = GoldenSetting.of("tiny_patches", kind)) {
      Guidance cfg = new Guidance.Cfg(text(setting, "positive"), text(setting, "negative"), CFG);
      setting.assertClose("run.plain", sampled(setting, o -> o, cfg, 2, 16, 12), RUN);
      setting.assertClose(
          "run.pag", sampled(setting, o -> o.withPerturbedAttention(3), cfg, 2, 16, 12), RUN);
      setting.assertClose(
          "run.sag",
          sampled(
              setting,
              o -> o.withSelfAttention(new ModelOptions.SelfAttentionChoice(0.75, 2)),
              cfg,
              1,
              32,
              20),
          RUN);
      Conditioning empty = text(setting, "empty");
      Guidance perp =
          new Guidance.PerpNeg(
              text(setting, "positive"), text(setting, "negative"), empty, CFG, 0.8);
      setting.assertClose("run.perpneg", sampled(setting, o -> o, perp, 2, 16, 12), RUN);
      setting.assertClose(
          "run.perpneg",
          sampled(
              setting,
              o -> o.withPerpNeg(new ModelOptions.PerpNegChoice(empty, 0.8)),
              cfg,
              2,
              16,
              12),
          RUN);
    }
  }

  @Test
  void oneTextAloneHasNothingToBePushedAwayFrom() {
    try (GoldenSetting setting = GoldenSetting.of("tiny_patches", BackendKind.CPU)) {
      Guidance single = new Guidance.Single(text(setting, "positive"));
      float[] plain = sampled(setting, o -> o, single, 2, 16, 12);
      float[] guided =
          sampled(
              setting,
              o ->
                  o.withRescaleCfg(0.7)
                      .withSelfAttention(new ModelOptions.SelfAttentionChoice(1, 2)),
              single,
              2,
              16,
              12);
      assertThat(guided).containsExactly(plain);
    }
  }
}
