package quartet.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.engine.run.CancelToken;
import quartet.engine.value.LatentBatch;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.safetensors.SafetensorsFile;
import quartet.safetensors.SafetensorsWriter;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;
import quartet.tensor.cpu.reference.ReferenceBackend;
import quartet.testkit.Goldens;

final class ArchitecturesTest {
  private static final String CLIP = "cond_stage_model.transformer.";
  private static final String UNET = "model.diffusion_model.";

  @TempDir Path directory;

  @Test
  void otherFilesAreNamedForWhatTheyLookLike() {
    assertRefused(Map.of("lora_unet_x.lora_up.weight", zeros(1)), "a LoRA");
    assertRefused(Map.of("decoder.conv_in.weight", zeros(1)), "a VAE without");
    assertRefused(
        Map.of(UNET + "joint_blocks.0.context_block.attn.qkv.weight", zeros(1)),
        "Stable Diffusion 3");
    assertRefused(Map.of("double_blocks.0.img_attn.norm.key_norm.scale", zeros(1)), "Flux");
    assertRefused(Map.of("control_model.input_blocks.0.0.weight", zeros(1)), "ControlNet");
    assertRefused(Map.of("something.else", zeros(1)), "'something.else'");
    assertRefused(Map.of(), "none at all");
    assertRefused(
        changed(t -> t.put(UNET + "input_blocks.0.0.weight", zeros(32, 7, 3, 3))),
        "7 input channels");
    assertRefused(
        changed(t -> t.put(UNET + "out.2.weight", zeros(16, 32, 3, 3))), "16 output channels");
    assertRefused(
        changed(t -> t.put(UNET + "input_blocks.1.0.time_stack.in_layers.0.weight", zeros(1))),
        "Stable Video Diffusion");
  }

  @Test
  void aPartThatIsNotThereIsNamedWithTheNodeThatLoadsIt() {
    Map<String, HostTensor> bare =
        changed(
            t ->
                t.keySet().removeIf(name -> name.startsWith(CLIP) || name.contains("stage_model")));
    try (SafetensorsFile file = write(bare);
        Backend backend = new ReferenceBackend(Device.cpu(0));
        CheckpointModels models = CheckpointModels.open(file, backend)) {
      assertThatExceptionOfType(EngineException.class)
          .isThrownBy(models::textEncoder)
          .withMessageContaining("has no text encoder")
          .withMessageContaining("CLIPLoader");
      assertThatExceptionOfType(EngineException.class)
          .isThrownBy(models::vae)
          .withMessageContaining("has no VAE")
          .withMessageContaining("VAELoader");
      assertThat(models.diffusion()).isNotNull();
    }
  }

  @Test
  void misshapenAndMissingTensorsAreNamed() {
    assertLoadFails(
        changed(t -> t.remove(UNET + "middle_block.1.norm.bias")),
        "lacks the tensor 'model.diffusion_model.middle_block.1.norm.bias'");
    assertLoadFails(
        changed(t -> t.put(UNET + "time_embed.2.bias", zeros(127))),
        "'model.diffusion_model.time_embed.2.bias' has shape [127] where the model needs [128]");
    assertLoadFails(
        changed(t -> t.put(UNET + "time_embed.2.bias", HostTensor.of(Shape.of(128), new int[128]))),
        "has dtype I32");
    float[] damaged = new float[128];
    damaged[5] = Float.NaN;
    assertLoadFails(
        changed(t -> t.put(UNET + "time_embed.2.bias", HostTensor.of(Shape.of(128), damaged))),
        "holds NaN at 5");
    assertLoadFails(
        changed(t -> t.keySet().removeIf(name -> name.startsWith(UNET + "output_blocks.7."))),
        "output_blocks.7.0.in_layers.0.weight");
  }

  @Test
  void textEncodersMayLackAPartOfTheirNamesAndCarryPositionIds() {
    Map<String, HostTensor> renamed = new LinkedHashMap<>();
    changed(t -> {}).forEach((name, value) -> renamed.put(name.replace("text_model.", ""), value));
    renamed.put(CLIP + "embeddings.position_ids", zeros(1, 77));
    try (SafetensorsFile plain = Goldens.tensors("tiny_sd15");
        SafetensorsFile file = write(renamed);
        Backend backend = new ReferenceBackend(Device.cpu(0));
        CheckpointModels first = CheckpointModels.open(plain, backend);
        CheckpointModels second = CheckpointModels.open(file, backend)) {
      assertThat(second.textEncoder().encode("x", -1).entries().getFirst().tokens())
          .hasSize(77 * 64)
          .doesNotContain(Float.NaN);
      assertThat(first.textEncoder()).isSameAs(first.textEncoder());
    }
  }

  @Test
  void autoencodersMayStoreAttentionAsMatrices() {
    Map<String, HostTensor> flattened =
        changed(
            t ->
                t.replaceAll(
                    (name, value) ->
                        name.contains("first_stage_model")
                                && name.contains("attn_1")
                                && value.shape().rank() == 4
                            ? value.reshape(Shape.of(value.shape().dim(0), value.shape().dim(1)))
                            : value));
    LatentBatch latent = LatentBatch.zeros(1, 4, 2, 2);
    try (SafetensorsFile plain = Goldens.tensors("tiny_sd15");
        SafetensorsFile file = write(flattened);
        Backend backend = new ReferenceBackend(Device.cpu(0));
        CheckpointModels first = CheckpointModels.open(plain, backend);
        CheckpointModels second = CheckpointModels.open(file, backend)) {
      assertThat(second.vae().decode(latent, CancelToken.NEVER).values())
          .containsExactly(first.vae().decode(latent, CancelToken.NEVER).values());
    }
  }

  @Test
  void keysTellVelocityModels() {
    Map<String, HostTensor> velocity =
        changed(
            t -> {
              t.put("v_pred", zeros(0));
              t.put("ztsnr", zeros(0));
            });
    try (SafetensorsFile plain = Goldens.tensors("tiny_sd15");
        SafetensorsFile file = write(velocity);
        Backend backend = new ReferenceBackend(Device.cpu(0));
        CheckpointModels first = CheckpointModels.open(plain, backend);
        CheckpointModels second = CheckpointModels.open(file, backend)) {
      assertThat(first.diffusion().prediction()).isEqualTo(Prediction.EPSILON);
      assertThat(second.diffusion().prediction()).isEqualTo(Prediction.VELOCITY);
      assertThat(second.diffusion().schedule().sigmaMax()).isGreaterThan(4000f);
    }
  }

  @Test
  void partsAreLoadedWhenAskedForAndFreedTogether() {
    try (SafetensorsFile file = Goldens.tensors("tiny_sd15");
        Backend backend = new ReferenceBackend(Device.cpu(0))) {
      CheckpointModels models = CheckpointModels.open(file, backend);
      assertThat(models.parameterBytes()).isZero();
      var vae = models.vae();
      long one = models.parameterBytes();
      assertThat(one).isPositive();
      assertThat(models.vae()).isSameAs(vae);
      assertThat(models.diffusion()).isNotNull();
      assertThat(models.parameterBytes()).isGreaterThan(one);
      models.close();
      models.close();
      assertThat(models.parameterBytes()).isZero();
      assertThat(backend.memory().parameterBytes()).isZero();
    }
  }

  private void assertRefused(Map<String, HostTensor> tensors, String expected) {
    try (SafetensorsFile file = write(tensors);
        Backend backend = new ReferenceBackend(Device.cpu(0))) {
      assertThatExceptionOfType(EngineException.class)
          .isThrownBy(() -> CheckpointModels.open(file, backend))
          .withMessageContaining(expected)
          .withMessageContaining("Stable Diffusion 1.x")
          .satisfies(e -> assertThat(e.kind()).isEqualTo(ErrorKind.INPUT));
    }
  }

  private void assertLoadFails(Map<String, HostTensor> tensors, String expected) {
    try (SafetensorsFile file = write(tensors);
        Backend backend = new ReferenceBackend(Device.cpu(0));
        CheckpointModels models = CheckpointModels.open(file, backend)) {
      assertThatExceptionOfType(EngineException.class)
          .isThrownBy(models::diffusion)
          .withMessageContaining(expected)
          .withMessageContaining("changed.safetensors");
      assertThat(backend.memory().parameterBytes()).isZero();
    }
  }

  /** The tiny checkpoint's tensors, copied and changed. */
  private static Map<String, HostTensor> changed(Consumer<Map<String, HostTensor>> change) {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    try (SafetensorsFile file = Goldens.tensors("tiny_sd15")) {
      for (String name : file.names()) {
        HostTensor tensor = file.tensor(name);
        byte[] copy = tensor.segment().toArray(ValueLayout.JAVA_BYTE);
        tensors.put(
            name, new HostTensor(MemorySegment.ofArray(copy), tensor.dtype(), tensor.shape()));
      }
    }
    change.accept(tensors);
    return tensors;
  }

  private SafetensorsFile write(Map<String, HostTensor> tensors) {
    Path path = directory.resolve("changed.safetensors");
    SafetensorsWriter.write(path, tensors, Map.of());
    return SafetensorsFile.open(path);
  }

  private static HostTensor zeros(long... extents) {
    Shape shape = Shape.of(extents);
    return HostTensor.of(shape, new float[(int) shape.elements()]);
  }
}
