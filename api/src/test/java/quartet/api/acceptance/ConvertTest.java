package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Workflows as the editor saves them, posted to the server and given to the commands. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ConvertTest {
  static final String EDITOR =
      """
      {"id": "11111111-2222-3333-4444-555555555555", "version": 0.4, "nodes": [
        {"id": 1, "type": "EmptyImage", "order": 0, "mode": 0,
         "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}], "widgets_values": [48, 32, 1, 255]},
        {"id": 2, "type": "SaveImage", "order": 1, "mode": 0,
         "inputs": [{"name": "images", "type": "IMAGE", "link": 1}], "widgets_values": ["converted"]}],
       "links": [[1, 1, 0, 2, 0, "IMAGE"]]}
      """;

  private @Nullable ServerProcess started;
  private @Nullable Client opened;
  private Path folder = Path.of("");

  @BeforeAll
  void start(@TempDir Path base) {
    folder = base;
    started = ServerProcess.start(base, Map.of(), "--devices", "cpu:1");
    opened = new Client(started);
  }

  @AfterAll
  void stop() {
    client().close();
    server().close();
  }

  private ServerProcess server() {
    return java.util.Objects.requireNonNull(started);
  }

  private Client client() {
    return java.util.Objects.requireNonNull(opened);
  }

  @Test
  void theRouteConvertsBareAndWrappedAndLeavesPromptsAlone() {
    JsonNode prompt = client().post("/workflow/convert", EDITOR).json();
    assertThat(prompt.at("/1/inputs/width").asInt()).isEqualTo(48);
    assertThat(prompt.at("/2/inputs/images/0").asText()).isEqualTo("1");
    assertThat(client().post("/api/workflow/convert", "{\"workflow\":" + EDITOR + "}").json())
        .isEqualTo(prompt);
    assertThat(client().post("/workflow/convert", prompt.toString()).json()).isEqualTo(prompt);
  }

  @Test
  void whatCannotBeConvertedIs400WithAReason() {
    Client.Answer unknown = client().post("/workflow/convert", EDITOR.replace("EmptyImage", "Foo"));
    assertThat(unknown.status()).isEqualTo(400);
    assertThat(unknown.json().at("/error/type").asText()).isEqualTo("unknown_node_type");
    assertThat(unknown.json().at("/error/details").asText()).contains("Foo (node 1)");
    for (String wrong : new String[] {"[]", "{}", "3", "{\"nodes\":[{}]}", "{\"workflow\":{}}"}) {
      Client.Answer answer = client().post("/workflow/convert", wrong);
      assertThat(answer.status()).as(wrong).isEqualTo(400);
      assertThat(answer.json().at("/error/type").asText()).isEqualTo("malformed_workflow");
    }
    assertThat(client().post("/workflow/convert", "{").status()).isEqualTo(400);
  }

  @Test
  void submitTakesTheEditorsFormAndThePictureThatItMade() throws IOException {
    Path file = folder.resolve("editor.json");
    Files.writeString(file, EDITOR);
    Cli.Result first = Cli.run("submit", file.toString(), "--server", server().url(""), "--wait");
    assertThat(first.exit()).as("%s", first).isZero();
    Path picture = folder.resolve("output/converted_00001_.png");
    assertThat(picture).exists();
    String id = first.out().lines().findFirst().orElseThrow();
    assertThat(
            client()
                .get("/history/" + id)
                .json()
                .path(id)
                .at("/prompt/3/extra_pnginfo/workflow/id"))
        .as("the picture keeps the editor's workflow")
        .hasToString("\"11111111-2222-3333-4444-555555555555\"");
    Cli.Result again =
        Cli.run(
            "submit",
            picture.toString(),
            "--server",
            server().url(""),
            "--wait",
            "--set",
            "2.filename_prefix=again");
    assertThat(again.exit()).as("%s", again).isZero();
    assertThat(folder.resolve("output/again_00001_.png")).exists();
  }

  @Test
  void runTakesTheEditorsForm(@TempDir Path other) throws IOException {
    Path file = other.resolve("editor.json");
    Files.writeString(file, EDITOR);
    Cli.Result result =
        Cli.run(
            "run",
            file.toString(),
            "--devices",
            "cpu:1",
            "--base-directory",
            other.toString(),
            "--set",
            "1.width=96");
    assertThat(result.exit()).as("%s", result).isZero();
    Path picture = Path.of(result.out().strip());
    assertThat(javax.imageio.ImageIO.read(picture.toFile()).getWidth()).isEqualTo(96);
  }
}
