package quartet.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import quartet.engine.backends.BackendKind;
import quartet.engine.model.CheckpointModels;
import quartet.engine.model.DiffusionModel;
import quartet.engine.run.CancelToken;
import quartet.engine.run.PromptInterruptedException;
import quartet.engine.value.Conditioning;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.MaskBatch;
import quartet.engine.value.ModelOptions;
import quartet.errors.EngineException;
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

/** What a request asks for beside its sampler, on the tiny model with latents of 8x8. */
@ParameterizedClass
@EnumSource(value = BackendKind.class, names = "CPU")
final class KSamplerTest {
  private static final int SIDE = 8;
  private static final int ITEM = 4 * SIDE * SIDE;

  private final SafetensorsFile file = Goldens.tensors("tiny_sd15");
  private final BackendKind.Opened opened;
  private final Backend backend;
  private final CheckpointModels models;

  KSamplerTest(BackendKind kind) {
    opened = kind.open();
    backend = opened.backend();
    models = CheckpointModels.open(file, backend);
  }

  @AfterEach
  void close() {
    models.close();
    opened.close();
    file.close();
  }

  private static Conditioning text(long seed, int tokens) {
    return Conditioning.of(new TorchGenerator(seed).randn(tokens * 64), tokens, 64, null);
  }

  private static final Conditioning POSITIVE = text(1, 77);
  private static final Conditioning NEGATIVE = text(2, 77);

  private static SamplingRequest request(double cfg, LatentBatch latent) {
    return SamplingRequest.whole(7, 4, cfg, "euler", "normal", POSITIVE, NEGATIVE, latent);
  }

  private static SamplingRequest with(
      SamplingRequest r, LatentBatch latent, boolean noise, int start, int end, boolean leftover) {
    return SamplingRequest.whole(
            r.seed(),
            r.steps(),
            r.cfg(),
            r.sampler(),
            r.scheduler(),
            r.positive(),
            r.negative(),
            latent)
        .part(noise, start, end, leftover);
  }

  private static SamplingRequest with(
      SamplingRequest r, Conditioning positive, Conditioning negative) {
    return SamplingRequest.whole(
        r.seed(), r.steps(), r.cfg(), r.sampler(), r.scheduler(), positive, negative, r.latent());
  }

  private static LatentBatch empty(int batch) {
    return LatentBatch.zeros(batch, 4, SIDE, SIDE);
  }

  private float[] sample(SamplingRequest request) {
    return KSampler.sample(
            backend, models.diffusion(), request, SamplingListener.NONE, CancelToken.NEVER)
        .values();
  }

  private static void assertSame(float[] actual, float[] expected) {
    assertThat(TensorAssertions.relativeRms(actual, expected)).isLessThan(1e-3);
  }

  private static void assertDifferent(float[] actual, float[] expected) {
    assertThat(TensorAssertions.relativeRms(actual, expected)).isGreaterThan(2e-3);
  }

  @Test
  void theSameRequestGivesTheSameBits() {
    assertThat(sample(request(3, empty(1)))).containsExactly(sample(request(3, empty(1))));
  }

  @Test
  void twoStagesAreOneRun() {
    SamplingRequest whole = request(3, empty(1));
    float[] first = sample(with(whole, empty(1), true, 0, 2, true));
    float[] second = sample(with(whole, empty(1).withValues(first), false, 2, 10000, false));
    assertSame(second, sample(whole));
    assertDifferent(sample(with(whole, empty(1), true, 0, 2, false)), first);
  }

  @Test
  void nothingToDoReturnsTheLatentAsItIs() {
    LatentBatch latent = empty(1).withValues(new TorchGenerator(3).randn(ITEM));
    assertThat(sample(with(request(3, latent), latent, true, 4, 10000, false)))
        .isSameAs(latent.values());
  }

  @Test
  void aBatchPlaceGivesThePictureItGivesAlone() {
    float[] batch = sample(request(3, empty(2)));
    LatentBatch secondPlace = new LatentBatch(new float[ITEM], 1, 4, SIDE, SIDE, null, List.of(1));
    assertSame(Arrays.copyOfRange(batch, ITEM, 2 * ITEM), sample(request(3, secondPlace)));
  }

  @Test
  void guidanceOfOneIgnoresTheNegativePrompt() {
    SamplingRequest request = request(1, empty(1));
    assertThat(sample(with(request, POSITIVE, text(9, 77)))).containsExactly(sample(request));
    SamplingRequest guided = request(2, empty(1));
    assertDifferent(sample(with(guided, POSITIVE, text(9, 77))), sample(guided));
  }

  @Test
  void promptsOfDifferentLengthsAreRepeatedToACommonOne() {
    float[] once = POSITIVE.entries().getFirst().tokens();
    float[] twice = Arrays.copyOf(once, 2 * once.length);
    System.arraycopy(once, 0, twice, once.length, once.length);
    Conditioning repeated = Conditioning.of(twice, 154, 64, null);
    SamplingRequest request = request(3, empty(1));
    assertSame(sample(with(request, repeated, NEGATIVE)), sample(request));
    // lengths without a near common multiple go through the network one after the other
    assertThat(sample(with(request, text(1, 77), text(2, 31)))).doesNotContain(Float.NaN);
  }

  @Test
  void entriesAreAveragedByStrengthWhileTheyAct() {
    Conditioning.Entry entry = POSITIVE.entries().getFirst();
    Conditioning.Entry other = text(5, 77).entries().getFirst();
    SamplingRequest request = request(3, empty(1));
    float[] alone = sample(request);
    assertSame(sample(with(request, of(entry, entry), NEGATIVE)), alone);
    assertSame(sample(with(request, of(entry, reach(other, 0, 0, 1)), NEGATIVE)), alone);
    assertSame(sample(with(request, of(entry, reach(other, 1, 0, 0)), NEGATIVE)), alone);
    assertDifferent(sample(with(request, of(entry, other), NEGATIVE)), alone);
    assertDifferent(sample(with(request, of(entry, reach(other, 1, 0.4, 1)), NEGATIVE)), alone);
  }

  private static Conditioning of(Conditioning.Entry... entries) {
    return new Conditioning(List.of(entries));
  }

  @SuppressWarnings("NullAway") // does not see the annotation of the record component's array
  private static Conditioning.Entry reach(
      Conditioning.Entry entry, float strength, double start, double end) {
    return new Conditioning.Entry(
        entry.tokens(), entry.tokenCount(), entry.width(), entry.pooled(), strength, start, end);
  }

  @Test
  void aMaskKeepsWhatItCovers() {
    float[] given = new TorchGenerator(3).randn(ITEM);
    // the right half may change; the mask has another size than the latent
    MaskBatch mask = new MaskBatch(new float[] {0, 0, 1, 1}, 1, 1, 4);
    LatentBatch latent = new LatentBatch(given, 1, 4, SIDE, SIDE, mask, null);
    for (String sampler : List.of("euler", "ddim")) {
      SamplingRequest r = request(3, latent);
      float[] result =
          sample(
              SamplingRequest.whole(
                  r.seed(),
                  r.steps(),
                  r.cfg(),
                  sampler,
                  r.scheduler(),
                  POSITIVE,
                  NEGATIVE,
                  latent));
      double changed = 0;
      for (int i = 0; i < ITEM; i++) {
        if (i % SIDE < 3) {
          assertThat(result[i]).as("%s kept %d", sampler, i).isCloseTo(given[i], within(1e-3f));
        } else if (i % SIDE > 4) {
          changed += Math.abs(result[i] - given[i]);
        }
      }
      assertThat(changed / ITEM).isGreaterThan(0.1);
    }
  }

  @Test
  void denoiseWalksTheLastPartOnly() {
    LatentBatch latent = empty(1).withValues(new TorchGenerator(3).randn(ITEM));
    double[] distance = new double[2];
    double[] denoise = {0.1, 0.9};
    for (int k = 0; k < 2; k++) {
      float[] result = sample(request(3, latent).last(denoise[k]));
      distance[k] = TensorAssertions.relativeRms(result, latent.values());
    }
    assertThat(distance[0]).isLessThan(distance[1]);
  }

  @Test
  void cancellingStopsTheRun() {
    int[] steps = {0};
    assertThatExceptionOfType(PromptInterruptedException.class)
        .isThrownBy(
            () ->
                KSampler.sample(
                    backend,
                    models.diffusion(),
                    request(3, empty(1)),
                    (step, total, preview) -> steps[0] = step,
                    () -> steps[0] == 2));
    assertThat(steps[0]).isEqualTo(2);
  }

  private static LatentBatch ones(int channels) {
    float[] values = new float[channels * SIDE * SIDE];
    Arrays.fill(values, 1f);
    return LatentBatch.zeros(1, channels, SIDE, SIDE).withValues(values);
  }

  @Test
  void anEmptyLatentOfAnotherKindOfModelIsTakenAsOneOfThisKind() {
    float[] result = sample(request(3, LatentBatch.zeros(1, 16, SIDE, SIDE)));
    assertThat(result).containsExactly(sample(request(3, empty(1))));
  }

  /** One step from a latent to the network's word: the only arithmetic left is the scale. */
  @Test
  void aModelThatDrawsTheLatentItselfIsShownItScaledOrAsItIs() {
    LatentBatch given = empty(1).withValues(new TorchGenerator(3).randn(ITEM));
    float sigma = models.diffusion().schedule().sigmaMax();
    float variance = (float) Math.sqrt(sigma * sigma + 1);
    float[] scaled = oneStep(ModelOptions.Output.X0, given);
    float[] asItIs = oneStep(ModelOptions.Output.IMG_TO_IMG, given);
    assertSame(scaled, network(given, 1 / variance));
    assertSame(asItIs, network(given, 1));
    assertDifferent(asItIs, scaled);
  }

  private float[] oneStep(ModelOptions.Output output, LatentBatch given) {
    SamplingRequest request =
        SamplingRequest.whole(7, 1, 1, "euler", "normal", POSITIVE, NEGATIVE, given)
            .part(false, 0, 1, false);
    ModelOptions options =
        ModelOptions.NONE.withSampling(new ModelOptions.SamplingChoice.Discrete(output, false));
    return KSampler.sample(
            backend,
            models.diffusion().with(options),
            request,
            SamplingListener.NONE,
            CancelToken.NEVER)
        .values();
  }

  private float[] network(LatentBatch given, float factor) {
    DiffusionModel model = models.diffusion();
    float scale = model.latentFormat().scale();
    try (TensorScope scope = backend.openScope("test")) {
      Ops ops = scope.ops();
      HostTensor latent = HostTensor.of(Shape.of(1, 4, SIDE, SIDE), given.values());
      Tensor x = ops.affine(ops.toChannelsLast(ops.upload(latent)), scale * factor, 0f);
      HostTensor tokens =
          HostTensor.of(Shape.of(1, 77, 64), POSITIVE.entries().getFirst().tokens());
      Tensor out = model.predict(scope, x, new float[] {999}, model.prepare(scope, tokens));
      return ops.download(ops.toChannelsFirst(ops.affine(out, 1 / scale, 0f)));
    }
  }

  @Test
  void misfitsAreNamed() {
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(() -> sample(request(3, ones(16))))
        .withMessageContaining("16 channels");
    Conditioning wide = Conditioning.of(new float[77 * 768], 77, 768, null);
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(() -> sample(with(request(3, empty(1)), wide, wide)))
        .withMessageContaining("768 wide")
        .withMessageContaining("64");
  }

  @Test
  void gpuNoiseIsAnotherPath() {
    SamplingRequest r = request(2, empty(1));
    List<float[]> results = new ArrayList<>();
    for (String sampler : List.of("dpmpp_2m_sde", "dpmpp_2m_sde_gpu")) {
      results.add(
          sample(
              SamplingRequest.whole(
                  r.seed(), 3, r.cfg(), sampler, "karras", POSITIVE, NEGATIVE, r.latent())));
    }
    assertDifferent(results.get(1), results.get(0));
  }

  @Test
  void everySamplerRunsOnAModel() {
    for (String sampler : Samplers.names()) {
      for (String scheduler : List.of("karras", "ddim_uniform")) {
        SamplingRequest r = request(2, empty(1));
        float[] result =
            sample(
                SamplingRequest.whole(
                    r.seed(), 2, r.cfg(), sampler, scheduler, POSITIVE, NEGATIVE, r.latent()));
        for (float value : result) {
          assertThat(value).as("%s %s", sampler, scheduler).isFinite();
        }
      }
    }
  }
}
