package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.engine.fake.FakeContext;
import quartet.engine.value.ModelRefs;
import quartet.engine.value.PartSource;
import quartet.errors.EngineException;
import quartet.safetensors.SafetensorsWriter;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;

/** What loaders hand on without touching a device. */
class LoaderNodesTest {
  private static final ModelRefs.ModelRef MODEL = new ModelRefs.ModelRef(Path.of("a"));
  private static final ModelRefs.ClipRef CLIP = new ModelRefs.ClipRef(Path.of("a"));

  @TempDir Path base;

  private List<Object> load(String module, double model, double clip) throws IOException {
    FakeContext context = FakeContext.below(base);
    Path folder = Files.createDirectories(base.resolve("models/loras"));
    HostTensor one = HostTensor.of(Shape.of(1, 1), new float[1]);
    SafetensorsWriter.write(
        folder.resolve("x.safetensors"),
        Map.of(module + ".lora_up.weight", one, module + ".lora_down.weight", one),
        Map.of());
    return Runs.run(
            "LoraLoader",
            Map.of(
                "model",
                MODEL,
                "clip",
                CLIP,
                "lora_name",
                "x.safetensors",
                "strength_model",
                model,
                "strength_clip",
                clip),
            context)
        .outputs();
  }

  @Test
  void whatALoraDoesNotTouchStaysAsItIs() throws IOException {
    List<Object> ofModel = load("lora_unet_mid_block_attentions_0_proj_in", 1, 1);
    assertThat(((ModelRefs.ModelRef) ofModel.get(0)).source())
        .isInstanceOf(PartSource.WithLora.class);
    assertThat(ofModel.get(1)).isSameAs(CLIP);
    List<Object> ofText = load("lora_te_text_model_encoder_layers_0_mlp_fc1", 1, 0.5);
    assertThat(ofText.get(0)).isSameAs(MODEL);
    assertThat(((ModelRefs.ClipRef) ofText.get(1)).source())
        .isEqualTo(
            new PartSource.WithLora(
                CLIP.source(), base.resolve("models/loras/x.safetensors"), 0.5));
    List<Object> nothing = load("lora_unet_mid_block_attentions_0_proj_in", 0, 0);
    assertThat(nothing).containsExactly(MODEL, CLIP);
  }

  @Test
  void aFileThatIsNoneSaysSo() {
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(
            () ->
                Runs.run(
                    "LoraLoader",
                    Map.of(
                        "model",
                        MODEL,
                        "clip",
                        CLIP,
                        "lora_name",
                        "none.safetensors",
                        "strength_model",
                        1.0,
                        "strength_clip",
                        1.0),
                    FakeContext.below(base)))
        .withMessageContaining("none.safetensors");
  }
}
