package quartet.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import quartet.engine.backends.BackendKind;
import quartet.engine.model.CheckpointModels;
import quartet.engine.model.DiffusionModel;
import quartet.engine.run.CancelToken;
import quartet.engine.value.Conditioning;
import quartet.engine.value.Guidance;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.MaskBatch;
import quartet.engine.value.ModelOptions;
import quartet.rng.TorchGenerator;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.testkit.Goldens;
import quartet.testkit.TensorAssertions;

/**
 * Runs of the tiny model as a rectified flow, against its formulas written out number by number.
 */
final class FlowRunTest {
  private static final int SIDE = 8;
  private static final int ITEM = 4 * SIDE * SIDE;
  private static final long SEED = 7;
  private static final ModelOptions SD3 = flow(new ModelOptions.SamplingChoice.Flow(3, 1000));

  private final SafetensorsFile file = Goldens.tensors("tiny_sd15");
  private final BackendKind.Opened opened = BackendKind.CPU.open();
  private final Backend backend = opened.backend();
  private final CheckpointModels models = CheckpointModels.open(file, backend);

  @AfterEach
  void close() {
    models.close();
    opened.close();
    file.close();
  }

  private static ModelOptions flow(ModelOptions.SamplingChoice choice) {
    return ModelOptions.NONE.withSampling(choice);
  }

  private static Conditioning text(long seed) {
    return Conditioning.of(new TorchGenerator(seed).randn(77 * 64), 77, 64, null);
  }

  private static final Conditioning POSITIVE = text(1);
  private static final Conditioning NEGATIVE = text(2);

  private static LatentBatch picture() {
    return LatentBatch.zeros(1, 4, SIDE, SIDE).withValues(new TorchGenerator(3).randn(ITEM));
  }

  private static SamplingRequest request(String sampler, double cfg, LatentBatch latent) {
    return SamplingRequest.whole(SEED, 4, cfg, sampler, "simple", POSITIVE, NEGATIVE, latent);
  }

  private float[] sample(ModelOptions options, SamplingRequest request) {
    return KSampler.sample(
            backend,
            models.diffusion().with(options),
            request,
            SamplingListener.NONE,
            CancelToken.NEVER)
        .values();
  }

  /** The network's word on a latent that is not scaled. */
  private float[] network(float[] x, float timestep, Conditioning text) {
    DiffusionModel model = models.diffusion();
    try (TensorScope scope = backend.openScope("test")) {
      Ops ops = scope.ops();
      Tensor latent = ops.upload(HostTensor.of(Shape.of(1, 4, SIDE, SIDE), x));
      HostTensor tokens = HostTensor.of(Shape.of(1, 77, 64), text.entries().getFirst().tokens());
      Tensor out =
          model.predict(
              scope,
              ops.toChannelsLast(latent),
              new float[] {timestep},
              model.prepare(scope, tokens));
      return ops.download(ops.toChannelsFirst(out));
    }
  }

  /**
   * Euler's method by hand.
   *
   * @param multiplier of sigma to what the network is told
   * @param free 1 where the latent is sampled, 0 where it is kept; null for everywhere
   */
  private float[] byHand(
      float[] sigmas, float multiplier, double cfg, float[] latent, float @Nullable [] free) {
    float scale = models.diffusion().latentFormat().scale();
    float[] noise = new TorchGenerator(SEED).randn(ITEM);
    float[] x = new float[ITEM];
    for (int i = 0; i < ITEM; i++) {
      x[i] = sigmas[0] * noise[i] + (1 - sigmas[0]) * latent[i] * scale;
    }
    for (int step = 0; step + 1 < sigmas.length; step++) {
      float sigma = sigmas[step];
      float[] seen = x.clone();
      for (int i = 0; i < ITEM && free != null; i++) {
        float kept = sigma * noise[i] + (1 - sigma) * latent[i] * scale;
        seen[i] = x[i] * free[i] + kept * (1 - free[i]);
      }
      float[] positive = network(seen, sigma * multiplier, POSITIVE);
      float[] negative = network(seen, sigma * multiplier, NEGATIVE);
      for (int i = 0; i < ITEM; i++) {
        float out = negative[i] + (float) cfg * (positive[i] - negative[i]);
        float clean = seen[i] - sigma * out;
        if (free != null) {
          clean = clean * free[i] + latent[i] * scale * (1 - free[i]);
        }
        x[i] += (sigmas[step + 1] - sigma) * (x[i] - clean) / sigma;
      }
    }
    for (int i = 0; i < ITEM; i++) {
      x[i] /= scale * (1 - sigmas[sigmas.length - 1]);
    }
    return x;
  }

  private static void assertSame(float[] actual, float[] expected) {
    assertThat(TensorAssertions.relativeRms(actual, expected)).isLessThan(1e-3);
  }

  @Test
  void stableDiffusion3sFlowIsItsFormulas() {
    float[] expected =
        byHand(new float[] {1f, 0.9f, 0.75f, 0.5f, 0f}, 1000, 3, new float[ITEM], null);
    LatentBatch empty = LatentBatch.zeros(1, 4, SIDE, SIDE);
    assertSame(sample(SD3, request("euler", 3, empty)), expected);
    assertThat(
            TensorAssertions.relativeRms(
                sample(ModelOptions.NONE, request("euler", 3, empty)), expected))
        .isGreaterThan(0.01);
  }

  @Test
  void auraFlowsAndFluxsNetworksAreToldSigmaItself() {
    float[] aura = new float[5];
    float[] flux = new float[5];
    for (int k = 1; k <= 4; k++) {
      float u = k / 4f;
      aura[4 - k] = 1.73f * u / (1 + 0.73f * u);
      flux[4 - k] = (float) (Math.exp(1.15) / (Math.exp(1.15) + 1 / u - 1));
    }
    LatentBatch empty = LatentBatch.zeros(1, 4, SIDE, SIDE);
    assertSame(
        sample(flow(new ModelOptions.SamplingChoice.Flow(1.73, 1)), request("euler", 3, empty)),
        byHand(aura, 1, 3, new float[ITEM], null));
    assertSame(
        sample(flow(new ModelOptions.SamplingChoice.FluxFlow(1.15)), request("euler", 3, empty)),
        byHand(flux, 1, 3, new float[ITEM], null));
  }

  @Test
  void maskedPlacesHoldTheLatentAsTheFlowMixesIt() {
    float[] free = new float[ITEM];
    float[] mask = new float[SIDE * SIDE];
    for (int p = 0; p < mask.length; p++) {
      mask[p] = p % SIDE < SIDE / 2 ? 1f : p % SIDE == SIDE / 2 ? 0.5f : 0f;
      for (int c = 0; c < 4; c++) {
        free[c * mask.length + p] = mask[p];
      }
    }
    LatentBatch given = picture();
    LatentBatch masked =
        new LatentBatch(given.values(), 1, 4, SIDE, SIDE, new MaskBatch(mask, 1, SIDE, SIDE), null);
    float[] actual = sample(SD3, request("euler", 3, masked));
    assertSame(
        actual, byHand(new float[] {1f, 0.9f, 0.75f, 0.5f, 0f}, 1000, 3, given.values(), free));
    for (int i = 0; i < ITEM; i++) {
      if (free[i] == 0f) {
        assertThat(actual[i]).isCloseTo(given.values()[i], within(1e-4f));
      }
    }
  }

  @Test
  void aPartOfTheNoiseLeavesItsPartOfThePicture() {
    LatentBatch given = picture();
    SamplingRequest r = request("euler", 3, given);
    // 4 steps of 8: the lower half of the levels.
    float[] sigmas = new float[5];
    for (int k = 1; k <= 4; k++) {
      float u = k / 8f;
      sigmas[4 - k] = 3 * u / (1 + 2 * u);
    }
    assertSame(sample(SD3, r.last(0.5)), byHand(sigmas, 1000, 3, given.values(), null));
  }

  @Test
  void twoStagesAreOneRun() {
    LatentBatch empty = LatentBatch.zeros(1, 4, SIDE, SIDE);
    SamplingRequest whole = request("euler", 3, empty);
    float[] first = sample(SD3, whole.part(true, 0, 2, true));
    SamplingRequest rest = request("euler", 3, empty.withValues(first));
    assertSame(sample(SD3, rest.part(false, 2, 10000, false)), sample(SD3, whole));
  }

  @Test
  void rescaledGuidanceKeepsTheDeviationOfThePredictionUnderThePrompt() {
    LatentBatch empty = LatentBatch.zeros(1, 4, SIDE, SIDE);
    // One step ends at the prediction itself.
    double plain = deviation(sample(SD3, oneStep(1, empty)));
    assertThat(deviation(sample(SD3.withRescaleCfg(1), oneStep(9, empty))))
        .isCloseTo(plain, within(plain * 1e-3));
    assertThat(deviation(sample(SD3, oneStep(9, empty)))).isGreaterThan(plain * 1.1);
  }

  private static SamplingRequest oneStep(double cfg, LatentBatch latent) {
    return SamplingRequest.whole(SEED, 1, cfg, "euler", "simple", POSITIVE, NEGATIVE, latent);
  }

  private static double deviation(float[] values) {
    double mean = 0;
    for (float value : values) {
      mean += value / values.length;
    }
    double sum = 0;
    for (float value : values) {
      sum += (value - mean) * (value - mean);
    }
    return Math.sqrt(sum / values.length);
  }

  /** Schedulers' rounding may put the first level above 1, where prompts must act as well. */
  @Test
  void promptsActAtALevelJustAboveOne() {
    LatentBatch empty = LatentBatch.zeros(1, 4, SIDE, SIDE);
    float[] above = custom(new float[] {Math.nextUp(1f), 0.5f, 0f}, empty);
    assertSame(above, custom(new float[] {1f, 0.5f, 0f}, empty));
  }

  private float[] custom(float[] sigmas, LatentBatch latent) {
    return KSampler.sample(
            backend,
            models.diffusion().with(SD3),
            ControlNets.NONE,
            new CustomRequest(
                SEED, true, new Guidance.Cfg(POSITIVE, NEGATIVE, 3), "euler", sigmas, latent),
            SamplingListener.NONE,
            CancelToken.NEVER)
        .latent()
        .values();
  }

  @Test
  void everySamplerTakesAFlow() {
    LatentBatch empty = LatentBatch.zeros(1, 4, SIDE, SIDE);
    for (String sampler : Samplers.names()) {
      for (float value : sample(SD3, request(sampler, 3, empty))) {
        assertThat(value).as(sampler).isFinite();
      }
    }
  }

  @Test
  void schedulersWithoutLevelsAboveOneAllFit() {
    LatentBatch empty = LatentBatch.zeros(1, 4, SIDE, SIDE);
    for (String scheduler : Schedulers.names()) {
      for (ModelOptions options :
          List.of(SD3, flow(new ModelOptions.SamplingChoice.FluxFlow(0.8)))) {
        float[] result =
            sample(
                options,
                SamplingRequest.whole(
                    SEED, 3, 3, "dpmpp_2m_sde", scheduler, POSITIVE, NEGATIVE, empty));
        assertThat(Arrays.equals(result, empty.values())).isFalse();
        for (float value : result) {
          assertThat(value).as(scheduler).isFinite();
        }
      }
    }
  }
}
