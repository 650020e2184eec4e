package quartet.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import quartet.engine.backends.BackendKind;
import quartet.engine.model.blocks.Weights;
import quartet.engine.model.control.ControlModel;
import quartet.engine.model.lora.LoraFile;
import quartet.engine.model.lora.LoraNames;
import quartet.engine.model.lora.LoraWeights;
import quartet.engine.model.unet.BatchPart;
import quartet.engine.model.unet.Patches;
import quartet.engine.model.unet.PromptContext;
import quartet.engine.model.unet.SelfAttention;
import quartet.engine.model.unet.Steering;
import quartet.engine.run.CancelToken;
import quartet.engine.sampling.KSampler;
import quartet.engine.sampling.SamplingListener;
import quartet.engine.sampling.SamplingRequest;
import quartet.engine.value.Conditioning;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.MaskBatch;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.testkit.Goldens;
import quartet.testkit.TensorAssertions;
import quartet.tokenizer.ClipTokenizer;
import quartet.tokenizer.TokenChunk;

/** Each model family against the independent implementation in {@code tools/goldens}. */
final class FamiliesTest {
  private static final double TENSOR = 1e-5;
  private static final double RUN = 1e-4;

  /** A family's checkpoint, what is expected of it, and a device. */
  private record Family(SafetensorsFile file, SafetensorsFile expected, BackendKind.Opened opened)
      implements AutoCloseable {
    static Family of(String name, BackendKind kind) {
      return new Family(Goldens.tensors(name), Goldens.tensors(name + "_expected"), kind.open());
    }

    Backend backend() {
      return opened.backend();
    }

    HostTensor tensor(String name) {
      return expected.tensor(name);
    }

    void assertClose(String name, float[] actual, double bound) {
      double distance = TensorAssertions.relativeRms(actual, tensor(name).toFloats());
      assertThat(distance).as(name).isLessThanOrEqualTo(bound);
    }

    /** The words that the reference encoded. */
    List<TokenChunk> words() {
      int[] ids = new int[ClipTokenizer.WINDOW];
      Arrays.fill(ids, ClipTokenizer.END);
      ids[0] = ClipTokenizer.START;
      float[] words = tensor("tokens").toFloats();
      for (int i = 0; i < words.length; i++) {
        ids[i + 1] = (int) words[i];
      }
      double[] weights = new double[ids.length];
      Arrays.fill(weights, 1.0);
      return new ArrayList<>(List.of(new TokenChunk(ids, weights)));
    }

    @Override
    public void close() {
      opened.close();
      file.close();
      expected.close();
    }
  }

  private static List<TokenChunk> nothing() {
    return new ArrayList<>(List.of(ClipTokenizer.empty()));
  }

  private static LatentBatch run(
      Family family, DiffusionModel model, Conditioning positive, Conditioning negative) {
    return run(family, model, positive, negative, LatentBatch.zeros(1, 4, 16, 12));
  }

  private static LatentBatch run(
      Family family,
      DiffusionModel model,
      Conditioning positive,
      Conditioning negative,
      LatentBatch latent) {
    SamplingRequest request =
        SamplingRequest.whole(42, 3, 5, "euler", "normal", positive, negative, latent);
    return KSampler.sample(
        family.backend(), model, request, SamplingListener.NONE, CancelToken.NEVER);
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void sdxlHasTwoTextEncodersAndKnowsThePicturesSize(BackendKind kind) {
    try (Family family = Family.of("tiny_sdxl", kind);
        CheckpointModels models = CheckpointModels.open(family.file(), family.backend())) {
      TextEncoder text = models.textEncoder();
      Conditioning positive = text.encode(family.words(), TextEncoder.DEFAULT_LAYER);
      Conditioning negative = text.encode(nothing(), TextEncoder.DEFAULT_LAYER);
      Conditioning.Entry entry = positive.entries().getFirst();
      family.assertClose("clip.positive", entry.tokens(), TENSOR);
      assertThat(entry.pooled()).isNotNull();
      family.assertClose("clip.pooled", entry.pooled(), TENSOR);
      family.assertClose("clip.negative", negative.entries().getFirst().tokens(), TENSOR);

      DiffusionModel model = models.diffusion();
      assertThat(model.latentFormat()).isEqualTo(LatentFormat.SDXL);
      Conditioning.SizeHint size =
          new Conditioning.SizeHint(128, 96, 8, 16, 120, 88, Optional.empty());
      float[] label = SizeLabel.of(entry.withSize(size), model.labelWidth(), 16, 12, false);
      family.assertClose("label", label, TENSOR);
      assertUNet(family, model, Steering.NONE, "unet.eps");
      Steering perturbed =
          new Steering(Map.of(), Map.of(), null, Patches.NONE.withMiddle(SelfAttention.OWN_VALUES));
      assertUNet(family, model, perturbed, "unet.perturbed");
      family.assertClose("euler.latent", run(family, model, positive, negative).values(), RUN);
      assertThat(models.parameterBytes()).isPositive();
    }
  }

  private static void assertUNet(
      Family family, DiffusionModel model, Steering steering, String name) {
    try (TensorScope scope = family.backend().openScope("test")) {
      Ops ops = scope.ops();
      Tensor x = ops.toChannelsLast(ops.upload(family.tensor("unet.x")));
      PromptContext context =
          model.prepare(scope, family.tensor("clip.positive"), family.tensor("label"));
      Tensor eps = model.predict(scope, x, family.tensor("unet.t").toFloats(), context, steering);
      family.assertClose(name, ops.download(ops.toChannelsFirst(eps)), TENSOR);
    }
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void theRefinerKnowsAScore(BackendKind kind) {
    try (Family family = Family.of("tiny_refiner", kind);
        CheckpointModels models = CheckpointModels.open(family.file(), family.backend())) {
      Conditioning positive = models.textEncoder().encode(family.words(), 0);
      Conditioning negative = models.textEncoder().encode(nothing(), 0);
      family.assertClose("clip.positive", positive.entries().getFirst().tokens(), TENSOR);
      LatentBatch latent = run(family, models.diffusion(), positive, negative);
      family.assertClose("euler.latent", latent.values(), RUN);
      Conditioning.SizeHint score =
          new Conditioning.SizeHint(128, 96, 0, 0, 128, 96, Optional.of(6.0));
      LatentBatch same =
          run(family, models.diffusion(), positive.map(e -> e.withSize(score)), negative);
      assertThat(same.values()).containsExactly(latent.values());
    }
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void stableDiffusion2PredictsTheVelocity(BackendKind kind) {
    try (Family family = Family.of("tiny_sd2", kind);
        CheckpointModels models = CheckpointModels.open(family.file(), family.backend())) {
      Conditioning positive = models.textEncoder().encode(family.words(), 0);
      Conditioning negative = models.textEncoder().encode(nothing(), 0);
      family.assertClose("clip.positive", positive.entries().getFirst().tokens(), TENSOR);
      assertThat(models.diffusion().prediction()).isEqualTo(Prediction.VELOCITY);
      LatentBatch latent = run(family, models.diffusion(), positive, negative);
      family.assertClose("euler.latent", latent.values(), RUN);
    }
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void inpaintingModelsSeeMaskAndPicture(BackendKind kind) {
    try (Family family = Family.of("tiny_inpaint", kind);
        CheckpointModels models = CheckpointModels.open(family.file(), family.backend())) {
      DiffusionModel model = models.diffusion();
      assertThat(model.besideChannels()).isEqualTo(5);
      Conditioning positive = Conditioning.of(family.tensor("positive").toFloats(), 77, 64, null);
      Conditioning negative = Conditioning.of(family.tensor("negative").toFloats(), 77, 64, null);
      LatentBatch shown =
          LatentBatch.zeros(1, 4, 16, 12).withValues(family.tensor("shown").toFloats());
      MaskBatch mask = new MaskBatch(family.tensor("mask").toFloats(), 1, 16, 12);
      Conditioning.InpaintHint hint = new Conditioning.InpaintHint(shown, mask);
      LatentBatch latent =
          run(
              family,
              model,
              positive.map(entry -> entry.withInpaint(hint)),
              negative.map(entry -> entry.withInpaint(hint)));
      family.assertClose("euler.latent", latent.values(), RUN);
      family.assertClose("euler.blank", run(family, model, positive, negative).values(), RUN);
    }
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void aControlNetAddsToWhatTheUNetLooksBackAt(BackendKind kind) {
    try (Family family = Family.of("tiny_controlnet", kind);
        SafetensorsFile baseFile = Goldens.tensors("tiny_sdxl");
        SafetensorsFile base = Goldens.tensors("tiny_sdxl_expected");
        CheckpointModels models = CheckpointModels.open(baseFile, family.backend());
        CheckpointModels control = CheckpointModels.openPart(family.file(), family.backend());
        TensorScope scope = family.backend().openScope("test")) {
      Ops ops = scope.ops();
      HostTensor tokens = base.tensor("clip.positive");
      HostTensor label = base.tensor("label");
      ImageBatch image = new ImageBatch(family.tensor("hint").toFloats(), 1, 128, 96, 3);
      ControlModel net = control.control();
      assertThat(net.labelWidth()).isEqualTo(models.diffusion().labelWidth());
      List<Tensor> seen = net.look(scope, ControlModel.Hint.of(image, 128, 96, 1));
      ControlModel.Prepared prepared = net.prepare(scope, seen, tokens, label);
      Tensor x = ops.toChannelsLast(ops.upload(base.tensor("unet.x")));
      float[] timesteps = base.tensor("unet.t").toFloats();
      ControlModel.Output output = prepared.run(scope, BatchPart.whole(1), x, timesteps);
      Tensor middle = output.middle();
      assertThat(middle).isNotNull();
      family.assertClose("middle", ops.download(ops.toChannelsFirst(middle)), TENSOR);
      Map<Integer, Tensor> half = new HashMap<>();
      output.skips().forEach((n, value) -> half.put(n, ops.affine(value, 0.5f, 0f)));
      assertThat(half).hasSize(4);
      PromptContext context = models.diffusion().prepare(scope, tokens, label);
      Steering steering = new Steering(Map.of(), half, ops.affine(middle, 0.5f, 0f), Patches.NONE);
      Tensor eps = models.diffusion().predict(scope, x, timesteps, context, steering);
      family.assertClose("eps", ops.download(ops.toChannelsFirst(eps)), TENSOR);
    }
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void anAdapterGivesFeaturesOfFourLevels(BackendKind kind) {
    try (Family family = Family.of("tiny_t2i", kind)) {
      ControlModel.Output output = adapterFeatures(family, List.of(2, 5, 8, 11));
      assertThat(output.middle()).isNull();
    }
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void anAdapterOfSdxlGivesItsLastFeaturesToTheMiddle(BackendKind kind) {
    try (Family family = Family.of("tiny_t2i_xl", kind)) {
      ControlModel.Output output = adapterFeatures(family, List.of(3, 5, 8));
      assertThat(output.middle()).isNotNull();
    }
  }

  /** Checks the features of each level, and that they are there. */
  private static ControlModel.Output adapterFeatures(Family family, List<Integer> places) {
    try (CheckpointModels models = CheckpointModels.openPart(family.file(), family.backend());
        TensorScope scope = family.backend().openScope("test")) {
      ImageBatch image = new ImageBatch(family.tensor("hint").toFloats(), 1, 128, 64, 3);
      ControlModel net = models.control();
      HostTensor noTokens = HostTensor.of(quartet.tensor.Shape.of(1, 1, 1), new float[1]);
      ControlModel.Output output =
          net.prepare(
                  scope, net.look(scope, ControlModel.Hint.of(image, 128, 64, 1)), noTokens, null)
              .run(
                  scope,
                  BatchPart.whole(1),
                  scope.ops().upload(family.tensor("level0")),
                  new float[1]);
      assertThat(output.inputs()).containsOnlyKeys(places.toArray(new Integer[0]));
      for (int level = 0; level < 4; level++) {
        Tensor features =
            level < places.size() ? output.inputs().get(places.get(level)) : output.middle();
        assertThat(features).isNotNull();
        Ops ops = scope.ops();
        family.assertClose("level" + level, ops.download(ops.toChannelsFirst(features)), TENSOR);
      }
      return output;
    }
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void anUpscaleModelMakesPicturesLarger(BackendKind kind) {
    try (Family family = Family.of("tiny_esrgan", kind);
        CheckpointModels models = CheckpointModels.openPart(family.file(), family.backend())) {
      ImageBatch image = new ImageBatch(family.tensor("pixels").toFloats(), 1, 24, 20, 3);
      ImageBatch large = models.upscaler().apply(image, CancelToken.NEVER);
      assertThat(large.height()).isEqualTo(96);
      assertThat(large.width()).isEqualTo(80);
      family.assertClose("image", large.values(), TENSOR);
    }
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void aTinyAutoencoderIsAVae(BackendKind kind) {
    try (Family family = Family.of("tiny_taesd", kind);
        CheckpointModels models = CheckpointModels.openPart(family.file(), family.backend())) {
      LatentBatch z = LatentBatch.zeros(1, 4, 6, 5).withValues(family.tensor("z").toFloats());
      ImageBatch image = models.vae().decode(z, CancelToken.NEVER);
      assertThat(image.height()).isEqualTo(48);
      family.assertClose("image", image.values(), TENSOR);
      ImageBatch pixels = new ImageBatch(family.tensor("pixels").toFloats(), 1, 48, 40, 3);
      family.assertClose("latent", models.vae().encode(pixels).values(), TENSOR);
    }
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void everyKindOfLoraChangesItsModule(BackendKind kind) {
    try (Family family = Family.of("tiny_lora", kind);
        SafetensorsFile baseFile = Goldens.tensors("tiny_sdxl");
        SafetensorsFile base = Goldens.tensors("tiny_sdxl_expected")) {
      Weights unet = Architectures.requireUNet(baseFile);
      LoraFile lora = LoraFile.of(family.file());
      Weights changed = LoraWeights.of(unet, lora, LoraNames.ofUNet(unet), 0.7);
      int compared = 0;
      for (String name : family.expected().names()) {
        String prefix = "weight.model.diffusion_model.";
        if (name.startsWith(prefix)) {
          HostTensor tensor = changed.tensorOrNull(name.substring(prefix.length()));
          assertThat(tensor).as(name).isNotNull();
          family.assertClose(name, tensor.toFloats(), 1e-6);
          compared++;
        }
      }
      assertThat(compared).isGreaterThanOrEqualTo(4);
      PartLoader loader =
          new PartLoader(
              family.backend(), quartet.engine.model.blocks.CheckpointHints.of(baseFile));
      Weights text = CheckpointModels.textWeights(List.of(baseFile));
      try (PartLoader.Loaded<DiffusionModel> model = loader.diffusion(changed, false, false);
          PartLoader.Loaded<TextEncoder> encoder =
              loader.textEncoder(LoraWeights.of(text, lora, LoraNames.ofText(text), 0.7));
          TensorScope scope = family.backend().openScope("test")) {
        Ops ops = scope.ops();
        Tensor x = ops.toChannelsLast(ops.upload(base.tensor("unet.x")));
        PromptContext context =
            model.model().prepare(scope, base.tensor("clip.positive"), base.tensor("label"));
        Tensor eps = model.model().predict(scope, x, base.tensor("unet.t").toFloats(), context);
        family.assertClose("unet.eps", ops.download(ops.toChannelsFirst(eps)), TENSOR);
        double difference =
            TensorAssertions.relativeRms(
                ops.download(ops.toChannelsFirst(eps)), base.tensor("unet.eps").toFloats());
        assertThat(difference).as("the changes matter").isGreaterThan(0.01);
        Family words = new Family(baseFile, base, family.opened());
        Conditioning.Entry entry = encoder.model().encode(words.words(), 0).entries().getFirst();
        family.assertClose("clip.positive", entry.tokens(), TENSOR);
        assertThat(entry.pooled()).isNotNull();
        family.assertClose("clip.pooled", entry.pooled(), TENSOR);
      }
    }
  }
}
