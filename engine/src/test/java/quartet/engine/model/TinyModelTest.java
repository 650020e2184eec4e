package quartet.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import quartet.engine.backends.BackendKind;
import quartet.engine.model.unet.PromptContext;
import quartet.engine.model.unet.Steering;
import quartet.engine.run.CancelToken;
import quartet.engine.value.Conditioning;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.testkit.TensorAssertions;
import quartet.tokenizer.TokenChunk;

@ParameterizedClass
@EnumSource(BackendKind.class)
final class TinyModelTest {
  private final Tiny tiny;

  TinyModelTest(BackendKind kind) {
    tiny = new Tiny(kind);
  }

  @AfterEach
  void close() {
    tiny.close();
  }

  private TokenChunk chunk(String tokens, double[] weights) {
    float[] ids = tiny.floats(tokens);
    int[] integers = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      integers[i] = (int) ids[i];
    }
    return new TokenChunk(integers, weights);
  }

  private static double[] ones() {
    double[] weights = new double[77];
    Arrays.fill(weights, 1.0);
    return weights;
  }

  @Test
  void textIsEncodedAsExpected() {
    TextEncoder encoder = tiny.models.textEncoder();
    Conditioning.Entry last =
        encoder.encode(List.of(chunk("tokens.positive", ones())), -1).entries().getFirst();
    tiny.assertClose("clip.positive.last", last.tokens());
    assertThat(last.pooled()).isNotNull();
    tiny.assertClose("clip.positive.pooled_unprojected", last.pooled());
    tiny.assertClose(
        "clip.negative.last",
        encoder
            .encode(List.of(chunk("tokens.negative", ones())), -1)
            .entries()
            .getFirst()
            .tokens());
    tiny.assertClose(
        "clip.positive.skip2",
        encoder
            .encode(List.of(chunk("tokens.positive", ones())), -2)
            .entries()
            .getFirst()
            .tokens());
    float[] weights = tiny.floats("tokens.weights");
    double[] doubles = new double[weights.length];
    for (int i = 0; i < doubles.length; i++) {
      doubles[i] = weights[i];
    }
    tiny.assertClose(
        "clip.positive.weighted",
        encoder
            .encode(List.of(chunk("tokens.positive", doubles)), -1)
            .entries()
            .getFirst()
            .tokens());
  }

  @Test
  void longPromptsBecomeSeveralWindows() {
    TokenChunk positive = chunk("tokens.positive", ones());
    TokenChunk negative = chunk("tokens.negative", ones());
    Conditioning.Entry both =
        tiny.models.textEncoder().encode(List.of(positive, negative), -1).entries().getFirst();
    assertThat(both.tokenCount()).isEqualTo(154);
    int half = both.tokens().length / 2;
    tiny.assertClose("clip.positive.last", Arrays.copyOf(both.tokens(), half));
    tiny.assertClose(
        "clip.negative.last", Arrays.copyOfRange(both.tokens(), half, both.tokens().length));
  }

  @Test
  void anyPromptFitsASmallVocabulary() {
    Conditioning conditioning = tiny.models.textEncoder().encode("a photo of a (cat:1.2)", -1);
    assertThat(conditioning.entries().getFirst().tokenCount()).isEqualTo(77);
    assertThat(conditioning.entries().getFirst().tokens()).doesNotContain(Float.NaN);
  }

  @Test
  void theUNetsBlocksAndOutputAreAsExpected() {
    DiffusionModel model = tiny.models.diffusion();
    float[] timesteps = tiny.floats("unet.t");
    Map<String, float[]> trace = new HashMap<>();
    try (TensorScope scope = tiny.backend.openScope("test")) {
      Ops ops = scope.ops();
      Tensor x = ops.toChannelsLast(ops.upload(tiny.tensor("unet.x")));
      PromptContext context = model.prepare(scope, tiny.tensor("unet.context"));
      Tensor eps =
          model
              .network()
              .forward(
                  scope,
                  x,
                  ops.upload(model.network().waves(timesteps)),
                  context,
                  Steering.NONE,
                  (name, value) ->
                      trace.put(
                          name,
                          ops.download(
                              value.shape().rank() == 4 ? ops.toChannelsFirst(value) : value)));
      assertThat(trace).hasSize(1 + 12 + 1 + 12);
      trace.forEach((name, values) -> tiny.assertClose("unet.trace." + name, values));
      tiny.assertClose("unet.eps", ops.download(ops.toChannelsFirst(eps)));
    }
  }

  @Test
  void aPromptRepeatedChangesNothing() {
    DiffusionModel model = tiny.models.diffusion();
    try (TensorScope scope = tiny.backend.openScope("test")) {
      Ops ops = scope.ops();
      Tensor x = ops.toChannelsLast(ops.upload(tiny.tensor("unet.x")));
      float[] context = tiny.floats("unet.context");
      int item = context.length / 2;
      float[] twice = new float[2 * context.length];
      for (int n = 0; n < 4; n++) {
        System.arraycopy(context, n / 2 * item, twice, n * item, item);
      }
      PromptContext prepared = model.prepare(scope, HostTensor.of(Shape.of(2, 154, 64), twice));
      Tensor eps = model.predict(scope, x, tiny.floats("unet.t"), prepared);
      tiny.assertClose("unet.eps.tokens154", ops.download(ops.toChannelsFirst(eps)));
    }
  }

  @Test
  void latentsAreDecodedToThePicture() {
    LatentBatch latent = new LatentBatch(tiny.floats("vae.z"), 1, 4, 16, 16, null, null);
    ImageBatch image = tiny.models.vae().decode(latent, CancelToken.NEVER);
    assertThat(image.height()).isEqualTo(128);
    tiny.assertClose("vae.decode_image", image.values());
    assertBytes("vae.decode_u8", image.values());
  }

  @Test
  void batchesDecodeItemByItem() {
    float[] z = tiny.floats("vae.z");
    float[] two = Arrays.copyOf(new float[z.length], 2 * z.length);
    System.arraycopy(z, 0, two, z.length, z.length);
    ImageBatch image =
        tiny.models.vae().decode(new LatentBatch(two, 2, 4, 16, 16, null, null), CancelToken.NEVER);
    float[] second =
        Arrays.copyOfRange(image.values(), image.values().length / 2, image.values().length);
    tiny.assertClose("vae.decode_image", second);
  }

  @Test
  void picturesAreEncodedToTheMean() {
    float[] pixels = tiny.floats("vae.encode_pixels");
    LatentBatch latent = tiny.models.vae().encode(new ImageBatch(pixels, 1, 64, 64, 3));
    float[] moments = tiny.floats("vae.encode_moments");
    float[] mean = Arrays.copyOf(moments, moments.length / 2);
    double distance = TensorAssertions.relativeRms(latent.values(), mean);
    assertThat(distance).isLessThan(1e-5);
  }

  @Test
  void alphaIsDroppedAndOddSizesAreCroppedAroundTheCentre() {
    float[] pixels = tiny.floats("vae.encode_pixels");
    int height = 67;
    int width = 66;
    float[] larger = new float[height * width * 4];
    Arrays.fill(larger, 0.3f);
    for (int y = 0; y < 64; y++) {
      for (int x = 0; x < 64; x++) {
        System.arraycopy(pixels, (y * 64 + x) * 3, larger, ((y + 1) * width + x + 1) * 4, 3);
      }
    }
    LatentBatch cropped = tiny.models.vae().encode(new ImageBatch(larger, 1, height, width, 4));
    LatentBatch plain = tiny.models.vae().encode(new ImageBatch(pixels, 1, 64, 64, 3));
    assertThat(cropped.values()).containsExactly(plain.values());
  }

  private void assertBytes(String name, float[] image) {
    float[] expected = tiny.floats(name);
    int different = 0;
    for (int i = 0; i < expected.length; i++) {
      int actual = (int) (255.0f * image[i]);
      assertThat(Math.abs(actual - (int) expected[i])).isLessThanOrEqualTo(1);
      different += actual == (int) expected[i] ? 0 : 1;
    }
    assertThat(different).isLessThan(expected.length / 1000);
  }
}
