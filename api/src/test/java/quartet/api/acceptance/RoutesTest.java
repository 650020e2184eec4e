package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import quartet.image.Pixels;
import quartet.image.PngWriter;

/** Everything a front end asks for beside the queue and the pictures. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class RoutesTest {
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final byte[] NOTHING = new byte[0];

  private @Nullable ServerProcess started;
  private @Nullable Client opened;
  private Path base = Path.of("");

  @BeforeAll
  void start(@TempDir Path folder) throws IOException {
    base = Files.createDirectories(folder.toRealPath().resolve("server"));
    Files.writeString(base.resolveSibling("secret.json"), "secret");
    Path checkpoints = Files.createDirectories(base.resolve("models/checkpoints"));
    Files.createSymbolicLink(
        checkpoints.resolve("quartet-demo.safetensors"),
        ServerProcess.repository().resolve("models/checkpoints/quartet-demo.safetensors"));
    Path loras = Files.createDirectories(base.resolve("models/loras/sub"));
    byte[] header = "{\"__metadata__\":{\"author\":\"me\"}}".getBytes(StandardCharsets.UTF_8);
    Files.write(
        loras.resolve("a.safetensors"),
        ByteBuffer.allocate(8 + header.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .put(header)
            .array());
    Files.write(
        loras.resolve("a.preview.png"),
        PngWriter.encode(new Pixels(new byte[48], 4, 4, 3), Map.of(), 4));
    Files.createDirectories(base.resolve("models/embeddings"));
    Files.write(base.resolve("models/embeddings/style.pt"), NOTHING);
    Path page = Files.createDirectories(folder.resolve("page/assets"));
    Files.writeString(page.resolveSibling("index.html"), "<!doctype html>front end");
    Files.writeString(page.resolve("app.js"), "1");
    Files.createDirectories(page.resolveSibling("extensions/core"));
    Files.writeString(page.resolveSibling("extensions/core/x.js"), "2");
    Files.createSymbolicLink(page.resolve("secret.json"), base.resolveSibling("secret.json"));
    started =
        ServerProcess.start(
            base,
            Map.of(),
            "--devices",
            "cpu:1",
            "--max-upload-size",
            "1",
            "--front-end-root",
            folder.resolve("page").toString(),
            "--enable-compress-response-body",
            "--enable-cors-header");
    opened = new Client(started);
  }

  @AfterAll
  void stop() {
    client().close();
    java.util.Objects.requireNonNull(started).close();
  }

  private Client client() {
    return java.util.Objects.requireNonNull(opened);
  }

  private JsonNode json(String path) {
    Client.Answer answer = client().get(path);
    assertThat(answer.status()).as(path + ": " + answer.text()).isEqualTo(200);
    assertThat(answer.header("content-type")).startsWith("application/json");
    return answer.json();
  }

  private static List<String> texts(JsonNode list) {
    return list.valueStream().map(JsonNode::asText).toList();
  }

  private Client.Answer send(String method, String path, String body) {
    return client().send(method, path, body.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void modelsAreListedByTheirFolders() {
    assertThat(texts(json("/models")))
        .startsWith("checkpoints", "configs", "loras", "vae", "text_encoders");
    assertThat(texts(json("/api/models/loras"))).containsExactly("sub/a.safetensors");
    assertThat(client().get("/models/clip").status()).isEqualTo(404);
    assertThat(client().get("/models/nothing").status()).isEqualTo(404);
    assertThat(texts(json("/embeddings"))).containsExactly("style");
    assertThat(json("/view_metadata/loras?filename=sub/a.safetensors").path("author").asText())
        .isEqualTo("me");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/view_metadata/loras",
        "/view_metadata/loras?filename=",
        "/view_metadata/loras?filename=a.pt",
        "/view_metadata/loras?filename=none.safetensors",
        "/view_metadata/nothing?filename=a.safetensors",
        "/view_metadata/loras?filename=../checkpoints/quartet-demo.safetensors",
        "/view_metadata/loras?filename=a%00.safetensors"
      })
  void metadataThatIsNotThereIs404(String path) {
    assertThat(client().get(path).status()).isEqualTo(404);
  }

  @Test
  void theModelBrowserSeesFilesAndPictures() {
    JsonNode folders = json("/experiment/models");
    assertThat(folders.findValuesAsText("name")).contains("loras").doesNotContain("configs");
    JsonNode lora = json("/experiment/models/loras").path(0);
    assertThat(lora.path("name").asText()).isEqualTo("sub/a.safetensors");
    assertThat(lora.path("pathIndex").isInt()).isTrue();
    assertThat(lora.path("size").asLong()).isPositive();
    Client.Answer picture = client().get("/experiment/models/preview/loras/0/sub%2Fa.safetensors");
    assertThat(picture.status()).isEqualTo(200);
    assertThat(picture.header("content-type")).startsWith("image/");
    assertThat(client().get("/experiment/models/preview/loras/0/sub/a.safetensors").status())
        .isEqualTo(200);
    assertThat(client().get("/experiment/models/preview/loras/9/a").status()).isEqualTo(400);
    assertThat(client().get("/experiment/models/preview/loras/0/..%2Fx").status()).isEqualTo(403);
    assertThat(client().get("/experiment/models/preview/loras/0/none").status()).isEqualTo(404);
    assertThat(client().get("/experiment/models/clip").status()).isEqualTo(404);
  }

  @Test
  void emptyAnswersHaveTheirForm() {
    for (String path :
        List.of("/i18n", "/workflow_templates", "/global_subgraphs", "/node_replacements")) {
      assertThat(json(path).isObject()).as(path).isTrue();
      assertThat(json("/api" + path).isEmpty()).as(path).isTrue();
    }
    assertThat(json("/global_subgraphs/x").isNull()).isTrue();
    assertThat(json("/features").path("max_upload_size").asLong()).isEqualTo(1 << 20);
  }

  @Test
  void settingsAreMergedAndKept() throws IOException {
    assertThat(json("/users").path("storage").asText()).isEqualTo("server");
    assertThat(json("/settings/none").isNull()).isTrue();
    assertThat(send("POST", "/settings", "{\"a\":1,\"b\":{\"c\":[1]}}").status()).isEqualTo(200);
    assertThat(send("POST", "/api/settings/Comfy.X", "\"text\"").status()).isEqualTo(200);
    assertThat(json("/settings").path("a").asInt()).isEqualTo(1);
    assertThat(json("/settings/Comfy.X").asText()).isEqualTo("text");
    assertThat(send("POST", "/settings", "{broken").status()).isEqualTo(400);
    assertThat(send("POST", "/settings", "[]").status()).isEqualTo(400);
    Path file = base.resolve("user/default/comfy.settings.json");
    String before = Files.readString(file);
    Files.writeString(file, "broken");
    assertThat(json("/settings").isEmpty()).isTrue();
    Files.writeString(file, before);
    assertThat(json("/users").path("migrated").asBoolean()).isTrue();
  }

  @Test
  void userDataIsStoredUnderEncodedNames() throws IOException {
    String path = "/api/userdata/workflows%2Fmy%20flow.json";
    assertThat(send("POST", path, "{\"n\":1}").json().asText()).isEqualTo("workflows/my flow.json");
    assertThat(base.resolve("user/default/workflows/my flow.json")).hasContent("{\"n\":1}");
    assertThat(send("POST", path + "?overwrite=false", "{}").status()).isEqualTo(409);
    JsonNode info = send("POST", path + "?overwrite=true&full_info=true", "{\"n\":2}").json();
    assertThat(info.path("size").asInt()).isEqualTo(7);
    Client.Answer read = client().get("/userdata/workflows%252Fmy%2520flow.json");
    assertThat(read.text()).isEqualTo("{\"n\":2}");
    assertThat(read.header("x-content-type-options")).isEqualTo("nosniff");

    assertThat(texts(json("/userdata?dir=workflows&recurse=true&split=false")))
        .contains("my flow.json");
    assertThat(texts(json("/userdata?dir=workflows&split=true").path(0)))
        .containsExactly("my flow.json", "my flow.json");
    assertThat(json("/userdata?dir=workflows&full_info=true").path(0).path("modified").isLong())
        .isTrue();
    assertThat(client().get("/userdata?dir=none").status()).isEqualTo(404);
    assertThat(client().get("/userdata").status()).isEqualTo(400);
    assertThat(client().get("/userdata?dir=..%2F..").status()).isEqualTo(403);
    assertThat(json("/v2/userdata").findValuesAsText("path"))
        .contains("workflows", "workflows/my flow.json");
    assertThat(client().get("/v2/userdata?path=none").status()).isEqualTo(404);
    assertThat(client().get("/v2/userdata?path=..").status()).isEqualTo(400);

    String moved = "/userdata/workflows%2Fmy%20flow.json/move/workflows%2Fb.json";
    assertThat(send("POST", moved, "").json().asText()).isEqualTo("workflows/b.json");
    assertThat(send("POST", moved, "").status()).isEqualTo(404);
    assertThat(send("POST", path, "{}").status()).isEqualTo(200);
    assertThat(send("POST", moved + "?overwrite=false", "").status()).isEqualTo(409);
    assertThat(client().send("DELETE", path, NOTHING).status()).isEqualTo(204);
    assertThat(client().send("DELETE", path, NOTHING).status()).isEqualTo(404);
    try (Stream<Path> left = Files.list(base.resolve("user/default/workflows"))) {
      assertThat(left.map(file -> file.getFileName().toString())).containsExactly("b.json");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "..%2F..%2F..%2Fsecret.json, 403",
    "..%252F..%252F..%252Fsecret.json, 403",
    "%2Fetc%2Fpasswd, 400",
    "..%5C..%5Csecret.json, 400",
    "a%00b, 400",
    "none.json, 404"
  })
  void userDataStaysInItsFolder(String name, int status) {
    assertThat(client().get("/userdata/" + name).status()).isEqualTo(status);
    if (status != 404) {
      assertThat(send("POST", "/userdata/" + name, "x").status()).isEqualTo(status);
      assertThat(client().send("DELETE", "/userdata/" + name, NOTHING).status()).isEqualTo(status);
      assertThat(send("POST", "/userdata/x/move/" + name, "").status()).isEqualTo(status);
    }
    assertThat(base.resolveSibling("secret.json")).hasContent("secret");
  }

  @Test
  void uploadedPagesInUserDataAreOnlySaved() {
    send("POST", "/userdata/page.html", "<script>");
    Client.Answer page = client().get("/userdata/page.html");
    assertThat(page.header("content-type")).isEqualTo("application/octet-stream");
    assertThat(page.header("content-disposition")).startsWith("attachment");
    assertThat(client().get("/userdata/user.css").status()).isEqualTo(404);
    send("POST", "/userdata/user.css", "body {}");
    assertThat(client().get("/userdata/user.css").header("content-type")).startsWith("text/css");
  }

  @Test
  void foldersAndNewestFilesAreTold() throws IOException {
    assertThat(json("/internal/folder_paths").path("loras").path(0).asText())
        .endsWith("models/loras");
    Files.writeString(base.resolve("input/old.txt"), "");
    Files.setLastModifiedTime(
        base.resolve("input/old.txt"), java.nio.file.attribute.FileTime.fromMillis(1));
    Files.writeString(base.resolve("input/new.txt"), "");
    assertThat(texts(json("/internal/files/input"))).containsExactly("new.txt", "old.txt");
    Client.Answer wrong = client().get("/internal/files/secret");
    assertThat(wrong.status()).isEqualTo(400);
    assertThat(wrong.json().path("error").asText()).isEqualTo("Invalid directory type");
  }

  @Test
  void jobsShowQueueAndHistoryInOneList() {
    String first = client().accepted(Client.quick(1));
    client().ended(first, PATIENCE);
    String failing =
        client()
            .accepted(
                "{\"prompt\": "
                    + Client.quick(2).replace("\"seed\":2", "\"seed\":3")
                    + ", \"extra_data\": {\"extra_pnginfo\": {\"workflow\": {\"id\": \"flow\"}}}}");
    client().ended(failing, PATIENCE);
    JsonNode list = json("/api/jobs?status=completed,failed,cancelled&limit=1&offset=0");
    assertThat(list.path("pagination").path("has_more").asBoolean()).isTrue();
    assertThat(list.path("pagination").path("limit").asInt()).isEqualTo(1);
    JsonNode job = list.path("jobs").path(0);
    assertThat(job.path("status").asText()).isEqualTo("completed");
    assertThat(job.path("create_time").isNumber()).isTrue();
    assertThat(job.path("workflow_id").asText()).isEqualTo("flow");
    assertThat(job.path("outputs_count").asInt()).isEqualTo(1);
    assertThat(job.path("preview_output").path("nodeId").asText()).isEqualTo("9");
    assertThat(job.path("preview_output").path("mediaType").asText()).isEqualTo("images");
    assertThat(job.properties()).noneMatch(field -> field.getValue().isNull());
    JsonNode detail = json("/api/jobs/" + first);
    assertThat(detail.path("outputs").has("9")).isTrue();
    assertThat(detail.path("workflow").path("prompt").has("3")).isTrue();
    assertThat(detail.path("execution_status").path("completed").asBoolean()).isTrue();
    assertThat(json("/api/jobs?workflow_id=flow").path("jobs")).hasSize(1);
    assertThat(json("/api/jobs?sort_order=asc").at("/jobs/0/id").asText()).isEqualTo(first);
    assertThat(client().get("/api/jobs/none").status()).isEqualTo(404);
    assertThat(client().get("/api/jobs/none").json().path("error").asText()).isNotEmpty();
    assertThat(client().get("/jobs").status()).isEqualTo(404);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"status=x", "sort_by=x", "sort_order=x", "limit=0", "limit=x", "offset=x"})
  void wrongJobQueriesSaySo(String query) {
    Client.Answer answer = client().get("/api/jobs?" + query);
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.json().path("error").asText()).isNotEmpty();
  }

  @Test
  void jobsCanBeCancelledWaitingOrRunning() {
    String slow =
        client().accepted(Client.quick(10).replaceFirst("\"steps\":\\d+", "\"steps\":2000"));
    String waiting = client().accepted(Client.quick(11));
    assertThat(client().get("/api/jobs/" + waiting).json().path("status").asText())
        .isEqualTo("pending");
    assertThat(
            send("POST", "/api/jobs/" + waiting + "/cancel", "")
                .json()
                .path("cancelled")
                .asBoolean())
        .isTrue();
    assertThat(
            send("POST", "/api/jobs/cancel", "{\"job_ids\":[\"" + slow + "\"]}")
                .json()
                .path("cancelled")
                .asBoolean())
        .isTrue();
    client().ended(slow, PATIENCE);
    assertThat(json("/api/jobs/" + slow).path("status").asText()).isEqualTo("cancelled");
    assertThat(client().get("/api/jobs/" + waiting).status()).isEqualTo(404);
    assertThat(
            send("POST", "/api/jobs/" + slow + "/cancel", "").json().path("cancelled").asBoolean())
        .isFalse();
    assertThat(send("POST", "/api/jobs/cancel", "no").status()).isEqualTo(400);
    assertThat(send("POST", "/api/jobs/cancel", "{}").status()).isEqualTo(400);
    assertThat(send("POST", "/api/jobs/cancel", "{\"job_ids\":[\"x\"]}").json().path("invalid_ids"))
        .hasSize(1);
  }

  @Test
  void wrongMethodsPathsAndSizesHaveTheirStatus() {
    Client.Answer method = send("PUT", "/prompt", "{}");
    assertThat(method.status()).isEqualTo(405);
    assertThat(method.header("content-type")).startsWith("text/plain");
    assertThat(client().get("/upload/image").status()).isEqualTo(405);
    assertThat(client().get("/no/such/page").status()).isEqualTo(404);
    assertThat(client().get("/object_info/").status()).isEqualTo(404);
    Client.Answer large = client().post("/prompt", new byte[(1 << 20) + 1]);
    assertThat(large.status()).isEqualTo(413);
    assertThat(large.header("content-type")).startsWith("text/plain");
    assertThat(client().send("HEAD", "/queue", NOTHING).status()).isEqualTo(200);
    assertThat(json("/queue?clientId=x&unknown=1").has("queue_running")).isTrue();
    assertThat(client().get("/queue", "Comfy-User", "").status()).isEqualTo(200);
  }

  @Test
  void theFrontEndIsServedAndNothingAroundIt() {
    Client.Answer index = client().get("/");
    assertThat(index.text()).contains("front end");
    assertThat(index.header("cache-control")).isEqualTo("no-cache");
    assertThat(index.header("expires")).isEqualTo("0");
    Client.Answer script = client().get("/assets/app.js");
    assertThat(script.header("content-type")).startsWith("application/javascript");
    assertThat(script.header("cache-control")).isEqualTo("no-cache");
    assertThat(texts(json("/extensions"))).containsExactly("/extensions/core/x.js");
    assertThat(client().get("/extensions/core/x.js").text()).isEqualTo("2");
    for (String path :
        List.of(
            "/user.css",
            "/assets/",
            "/assets",
            "/assets/secret.json",
            "/..%2Fserver%2Fuser",
            "/%2e%2e/secret.json",
            "/assets/%252e%252e/index.html")) {
      assertThat(client().get(path).status()).as(path).isEqualTo(404);
    }
  }

  @Test
  void answersAreCompressedAndOpenToOtherPagesIfWanted() {
    Client.Answer zipped = client().get("/object_info", "Accept-Encoding", "gzip");
    assertThat(zipped.header("content-encoding")).isEqualTo("gzip");
    assertThat(client().get("/object_info").header("content-encoding")).isEmpty();
    Client.Answer foreign = client().get("/queue", "Origin", "http://elsewhere.example");
    assertThat(foreign.status()).isEqualTo(200);
    assertThat(foreign.header("access-control-allow-origin")).isEqualTo("*");
    Client.Answer asked = client().send("OPTIONS", "/anything", NOTHING);
    assertThat(asked.status()).isEqualTo(200);
    assertThat(asked.header("access-control-allow-methods")).contains("PATCH");
    assertThat(
            client()
                .get("/none", "Origin", "http://x.example")
                .header("access-control-allow-origin"))
        .isEqualTo("*");
  }
}
