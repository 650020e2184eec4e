package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import quartet.errors.Required;
import quartet.image.Pixels;
import quartet.image.PngWriter;

/** The workflows in docs/examples run, smaller and shorter than they stand there. */
class ExamplesTest {
  private static final Path ROOT = Path.of("..");
  private static final Path EXAMPLES = ROOT.resolve("docs/examples");
  private static final int SIDE = 64;

  @TempDir Path base;

  private Studio studio() throws IOException {
    Studio studio =
        new Studio(base)
            .model(
                ROOT.resolve("models/checkpoints/quartet-demo.safetensors"),
                "checkpoints",
                "quartet-demo.safetensors")
            .model("tiny_sdxl", "checkpoints", "sd_xl_base_1.0.safetensors")
            .model("tiny_taesd", "vae", "sdxl_vae.safetensors")
            .model("tiny_lora", "loras", "style.safetensors")
            .model("tiny_controlnet", "controlnet", "controlnet-canny-sdxl-1.0.safetensors")
            .model("tiny_esrgan", "upscale_models", "RealESRGAN_x4plus.safetensors");
    byte[] pixels = new byte[SIDE * SIDE * 3];
    byte[] mask = new byte[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i / 7);
      mask[i] = (byte) (i / 3 % SIDE < SIDE / 2 ? 0 : 255);
    }
    Path input = studio.folders.input();
    PngWriter.write(input.resolve("example.png"), new Pixels(pixels, SIDE, SIDE, 3), Map.of(), 1);
    PngWriter.write(
        input.resolve("example-mask.png"), new Pixels(mask, SIDE, SIDE, 3), Map.of(), 1);
    return studio;
  }

  /** Two steps, and sizes a person would not want to wait less for. */
  private static ObjectNode small(String name) throws IOException {
    ObjectNode workflow =
        (ObjectNode) new ObjectMapper().readTree(EXAMPLES.resolve(name + ".json").toFile());
    for (JsonNode node : workflow) {
      ObjectNode inputs = (ObjectNode) node.path("inputs");
      if (inputs.has("steps")) {
        inputs.put("steps", 2);
      }
      for (String extent : List.of("width", "height")) {
        if (inputs.has(extent)) {
          inputs.put(extent, SIDE);
        }
      }
    }
    return workflow;
  }

  @ParameterizedTest
  @CsvSource({
    "landscape, 64, 1",
    "freeu-sag, 64, 1",
    "img2img, 64, 1",
    "inpainting, 64, 1",
    "hires-fix, 96, 1",
    "batch, 64, 4",
    "upscale, 128, 1",
    "sdxl, 64, 1",
    "lora, 64, 1",
    "controlnet, 64, 1",
  })
  void anExampleMakesItsPictures(String name, int side, int count) throws IOException {
    try (Studio studio = studio()) {
      var outcome = studio.run(small(name));
      Pixels pixels = studio.picture(outcome, "9");
      assertThat(pixels.width()).isEqualTo(side);
      assertThat(pixels.height()).isEqualTo(side);
      assertThat(Required.in(outcome.shown(), "9").path("images")).hasSize(count);
      byte first = pixels.bytes()[0];
      boolean plain = true;
      for (byte value : pixels.bytes()) {
        plain &= value == first;
      }
      assertThat(plain).as("one colour").isFalse();
    }
  }

  @Test
  void noExampleIsLeftOut() throws IOException {
    try (Stream<Path> files = Files.list(EXAMPLES)) {
      assertThat(files.map(file -> file.getFileName().toString()).filter(n -> n.endsWith(".json")))
          .containsExactlyInAnyOrder(
              "landscape.json",
              "freeu-sag.json",
              "img2img.json",
              "inpainting.json",
              "hires-fix.json",
              "batch.json",
              "upscale.json",
              "sdxl.json",
              "lora.json",
              "controlnet.json");
    }
  }
}
