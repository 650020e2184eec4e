package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.engine.fake.FakeContext;
import quartet.engine.fake.Json;
import quartet.engine.node.NodeResult;
import quartet.engine.value.ImageBatch;
import quartet.errors.EngineException;
import quartet.image.ImageReader;

/** SaveImage and PreviewImage, into real folders. */
class SaveImageTest {
  @TempDir Path base;
  private FakeContext context;

  @BeforeEach
  void folders() {
    context = FakeContext.below(base);
  }

  private NodeResult save(ImageBatch images, String prefix) {
    return Runs.run("SaveImage", Map.of("images", images, "filename_prefix", prefix), context);
  }

  private static JsonNode shown(NodeResult result) {
    assertThat(result.outputs()).isEmpty();
    ObjectNode ui = result.ui();
    return ui == null ? Json.value("null") : Json.normal(ui);
  }

  private static Map<String, byte[]> texts(Path png) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(png)).position(8);
    Map<String, byte[]> texts = new LinkedHashMap<>();
    while (in.hasRemaining()) {
      byte[] data = new byte[in.getInt()];
      byte[] type = new byte[4];
      in.get(type).get(data).getInt();
      if (new String(type, StandardCharsets.US_ASCII).equals("tEXt")) {
        int end = 0;
        while (data[end] != 0) {
          end++;
        }
        texts.put(
            new String(data, 0, end, StandardCharsets.US_ASCII),
            java.util.Arrays.copyOfRange(data, end + 1, data.length));
      }
    }
    return texts;
  }

  @Test
  void a_batch_gets_consecutive_numbers() {
    assertThat(shown(save(Runs.ramp(2, 4, 4), "ComfyUI")))
        .isEqualTo(
            Json.value(
                """
                {'images':[{'filename':'ComfyUI_00001_.png','subfolder':'','type':'output'},
                           {'filename':'ComfyUI_00002_.png','subfolder':'','type':'output'}]}
                """));
    assertThat(shown(save(Runs.ramp(1, 4, 4), "ComfyUI")).path("images").get(0).path("filename"))
        .isEqualTo(Json.value("'ComfyUI_00003_.png'"));
  }

  @Test
  void a_prefix_may_name_subfolders_and_the_size() {
    JsonNode image =
        shown(save(Runs.ramp(1, 4, 6), "a/b/x_%width%x%height%")).path("images").get(0);
    assertThat(image)
        .isEqualTo(Json.value("{'filename':'x_6x4_00001_.png','subfolder':'a/b','type':'output'}"));
    assertThat(context.folders().output().resolve("a/b/x_6x4_00001_.png")).isRegularFile();
  }

  @Test
  void a_prefix_that_leads_out_fails_the_node() {
    for (String prefix : new String[] {"../x", "/tmp/x", "a/../../x"}) {
      assertThatThrownBy(() -> save(Runs.ramp(1, 4, 4), prefix))
          .isInstanceOf(EngineException.class);
    }
  }

  @Test
  void pixels_are_cut_off_not_rounded() {
    float[] values = {0.5f, 1.7f, -1f, 254.9f / 255, 1 / 255f, Float.NaN};
    save(new ImageBatch(values, 1, 1, 2, 3), "p");
    byte[] bytes = ImageReader.read(context.folders().output().resolve("p_00001_.png")).bytes();
    assertThat(bytes).containsExactly(127, 255, 0, 254, 1, 0);
  }

  @Test
  void the_prompt_and_the_workflow_stand_in_the_file_in_ascii() throws Exception {
    ObjectNode prompt =
        Json.object("{'1':{'inputs':{'text':'schön 🚀','seed':18446744073709551615}}}");
    ObjectNode extra = Json.object("{'workflow':{'nodes':[1,2.0]},'note':'é'}");
    context = context.with(prompt, extra, true);
    save(Runs.ramp(1, 2, 2), "m");
    Map<String, byte[]> texts = texts(context.folders().output().resolve("m_00001_.png"));
    assertThat(texts.keySet()).containsExactly("prompt", "workflow", "note");
    for (byte[] text : texts.values()) {
      for (byte letter : text) {
        assertThat(letter).isPositive();
      }
    }
    ObjectMapper mapper = new ObjectMapper();
    assertThat(mapper.readTree(texts.get("prompt"))).isEqualTo(prompt);
    assertThat(mapper.readTree(texts.get("workflow"))).isEqualTo(extra.get("workflow"));
  }

  @Test
  void without_metadata_there_are_no_texts() throws IOException {
    context = context.with(Json.object("{'1':{}}"), Json.object("{'workflow':{}}"), false);
    save(Runs.ramp(1, 2, 2), "m");
    assertThat(texts(context.folders().output().resolve("m_00001_.png"))).isEmpty();
  }

  @Test
  void a_key_that_png_cannot_hold_costs_no_picture() throws IOException {
    context =
        context.with(
            Json.object("{'1':{}}"),
            Json.object("{'" + "k".repeat(100) + "':1,'':2,'wörk':3,'workflow':4}"),
            true);
    save(Runs.ramp(1, 2, 2), "m");
    assertThat(texts(context.folders().output().resolve("m_00001_.png")).keySet())
        .containsExactly("prompt", "workflow");
  }

  @Test
  void previews_go_to_temp_under_a_name_of_their_own() {
    JsonNode images =
        shown(Runs.run("PreviewImage", Map.of("images", Runs.ramp(2, 4, 4)), context))
            .path("images");
    assertThat(images).hasSize(2);
    for (JsonNode image : images) {
      assertThat(image.path("type").asText()).isEqualTo("temp");
      assertThat(image.path("filename").asText()).matches("ComfyUI_temp_[a-z]{5}_0000[12]_\\.png");
      assertThat(context.folders().temp().resolve(image.path("filename").asText())).isRegularFile();
    }
    assertThat(context.folders().output()).isEmptyDirectory();
  }

  @Test
  void a_write_that_fails_leaves_nothing_half_done() throws IOException {
    Path taken = context.folders().output().resolve("d");
    Files.createDirectory(taken);
    ImageBatch image = Runs.ramp(1, 2, 2);
    String tooLong = "d/" + "x".repeat(300);
    assertThatThrownBy(() -> save(image, tooLong)).isInstanceOf(EngineException.class);
    assertThat(taken).isEmptyDirectory();
  }

  @Test
  void two_devices_saving_at_once_lose_no_picture() throws Exception {
    int each = 50;
    CountDownLatch both = new CountDownLatch(2);
    List<Future<List<String>>> devices = new ArrayList<>();
    try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
      for (int device = 0; device < 2; device++) {
        float grey = device / 255f;
        devices.add(
            pool.submit(
                () -> {
                  both.countDown();
                  both.await();
                  List<String> names = new ArrayList<>();
                  for (int i = 0; i < each; i++) {
                    ImageBatch picture =
                        new ImageBatch(new float[] {grey, i / 255f, 0}, 1, 1, 1, 3);
                    names.add(
                        shown(save(picture, "same"))
                            .path("images")
                            .get(0)
                            .path("filename")
                            .asText());
                  }
                  return names;
                }));
      }
    }
    for (int device = 0; device < 2; device++) {
      List<String> names = devices.get(device).get();
      for (int i = 0; i < each; i++) {
        byte[] pixel = ImageReader.read(context.folders().output().resolve(names.get(i))).bytes();
        assertThat(pixel).containsExactly(device, i, 0);
      }
    }
    try (Stream<Path> files = Files.list(context.folders().output())) {
      assertThat(files).hasSize(2 * each);
    }
  }
}
