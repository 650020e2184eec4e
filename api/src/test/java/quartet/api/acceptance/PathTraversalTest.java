package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every parameter that names a file, with every way out of its folder: plain, encoded,
 * twice-encoded, absolute, with backslashes, through a link, with NUL. The secret never comes back,
 * and nothing is written, moved or deleted outside. Requests go over a plain socket, so that
 * nothing tidies them up on the way.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PathTraversalTest {
  private static final String SECRET = "the-secret-of-this-machine";

  private @Nullable ServerProcess started;
  private Path base = Path.of("");
  private Path secret = Path.of("");
  private List<String> ways = List.of();

  @BeforeAll
  void start(@TempDir Path folder) throws IOException {
    Path home = folder.resolve("home");
    Files.createDirectories(home);
    base = home;
    secret = folder.resolve("secret.png");
    Files.writeString(secret, SECRET);
    started = ServerProcess.start(home, Map.of(), "--devices", "cpu:1");
    for (String place : List.of("input", "output", "temp", "user/default")) {
      Files.createDirectories(home.resolve(place));
      Files.createSymbolicLink(home.resolve(place).resolve("link"), folder);
      Files.createSymbolicLink(home.resolve(place).resolve("link.png"), secret);
      Files.writeString(home.resolve(place).resolve("own.png"), "own");
    }
    String up = "../../secret.png";
    ways =
        List.of(
            "..",
            up,
            "../" + up,
            "link/secret.png",
            "link.png",
            secret.toString(),
            "./../../secret.png",
            "own.png/../../../secret.png",
            "..\\..\\secret.png",
            "\\..\\..\\secret.png",
            secret + "\0.png",
            up + "\0",
            "....//....//secret.png",
            "file://" + secret,
            "C:\\secret.png",
            "//" + secret,
            "~/secret.png",
            up + " [input]",
            secret + " [output]",
            "../home/../secret.png [temp]");
  }

  @AfterAll
  void stop() {
    server().close();
  }

  private ServerProcess server() {
    return java.util.Objects.requireNonNull(started);
  }

  /** Each way as it is encoded once, with dots and slashes too, and twice. */
  private List<String> encoded() {
    List<String> all = new ArrayList<>();
    for (String way : ways) {
      String once = percent(way, false);
      String all1 = percent(way, true);
      all.addAll(List.of(once, all1, all1.replace("%", "%25"), all1.replace("%", "%2525")));
    }
    return all;
  }

  private static String percent(String text, boolean everything) {
    StringBuilder out = new StringBuilder();
    for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
      boolean plain = Character.isLetterOrDigit(one) || (!everything && (one == '.' || one == '-'));
      out.append(plain ? String.valueOf((char) one) : "%%%02X".formatted(one));
    }
    return out.toString();
  }

  private RawHttp.Reply ask(String method, String target, byte[] body, String... headers)
      throws IOException {
    try (RawHttp connection = new RawHttp(server().port())) {
      connection.send(RawHttp.request(method, target, body, headers));
      return connection.reply(false);
    }
  }

  private void harmless(String method, String target, byte[] body, String... headers)
      throws IOException {
    RawHttp.Reply reply = ask(method, target, body, headers);
    String asked = method + " " + target;
    assertThat(reply.status()).as(asked).isLessThan(500);
    assertThat(new String(reply.body(), StandardCharsets.ISO_8859_1))
        .as(asked)
        .doesNotContain(SECRET);
    assertThat(secret).as(asked).hasContent(SECRET);
  }

  @Test
  void nothingIsReadOutside() throws IOException {
    for (String way : encoded()) {
      for (String target :
          List.of(
              "/view?filename=" + way,
              "/view?type=input&filename=" + way,
              "/view?type=temp&filename=" + way,
              "/view?filename=secret.png&subfolder=" + way,
              "/view?filename=secret.png&type=input&subfolder=" + way,
              "/view?filename=own.png&preview=jpeg&subfolder=" + way,
              "/userdata/" + way,
              "/userdata?dir=" + way,
              "/userdata?recurse=true&dir=" + way,
              "/v2/userdata?path=" + way,
              "/view_metadata/checkpoints?filename=" + way,
              "/models/" + way,
              "/experiment/models/" + way,
              "/experiment/models/preview/checkpoints/0/" + way,
              "/experiment/models/preview/" + way + "/0/a",
              "/internal/files/" + way,
              "/assets/" + way,
              "/" + way,
              "/extensions/" + way)) {
        harmless("GET", target, new byte[0]);
      }
    }
  }

  @Test
  void nothingIsWrittenMovedOrDeletedOutside() throws IOException {
    List<String> before = outside();
    byte[] junk = "overwritten".getBytes(StandardCharsets.UTF_8);
    for (String way : encoded()) {
      harmless("POST", "/userdata/" + way, junk);
      harmless("POST", "/userdata/own.png/move/" + way, new byte[0]);
      harmless("POST", "/userdata/" + way + "/move/stolen.png", new byte[0]);
      harmless("DELETE", "/userdata/" + way, new byte[0]);
      Files.writeString(base.resolve("user/default/own.png"), "own");
    }
    for (String way : ways) {
      for (String type : List.of("input", "output", "temp", way)) {
        upload("/upload/image", way, type, "", "");
        upload("/upload/image", "a.png", type, way, "");
        upload(
            "/upload/mask",
            "a.png",
            type,
            "",
            "{\"filename\":\"" + json(way) + "\",\"type\":\"input\"}");
        upload(
            "/upload/mask",
            "a.png",
            type,
            "",
            "{\"filename\":\"secret.png\",\"subfolder\":\"" + json(way) + "\"}");
      }
    }
    assertThat(outside()).isEqualTo(before);
    RawHttp.Reply stolen = ask("GET", "/userdata/stolen.png", new byte[0]);
    assertThat(new String(stolen.body(), StandardCharsets.UTF_8)).doesNotContain(SECRET);
  }

  @Test
  void aPromptReadsAndWritesNothingOutside() throws IOException {
    List<String> before = outside();
    try (Client client = new Client(server())) {
      for (String way : ways) {
        String prompt =
            """
            {"1": {"class_type": "LoadImage", "inputs": {"image": "%s"}},
             "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
             "3": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
             "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "%s"}}}
            """
                .formatted(json(way), json(way));
        Client.Answer answer = client.post("/prompt", prompt);
        assertThat(answer.status()).as(way).isIn(200, 400);
        if (answer.status() == 200) {
          client.ended(answer.json().path("prompt_id").asText(), java.time.Duration.ofMinutes(1));
        }
      }
    }
    assertThat(outside()).isEqualTo(before);
    assertThat(secret).hasContent(SECRET);
  }

  private static String json(String text) {
    return text.replace("\\", "\\\\").replace("\0", "\\u0000");
  }

  private void upload(String route, String name, String type, String subfolder, String original)
      throws IOException {
    String form =
        """
        --edge\r
        Content-Disposition: form-data; name="image"; filename="%s"\r
        \r
        overwritten\r
        --edge\r
        Content-Disposition: form-data; name="type"\r
        \r
        %s\r
        --edge\r
        Content-Disposition: form-data; name="subfolder"\r
        \r
        %s\r
        --edge\r
        Content-Disposition: form-data; name="original_ref"\r
        \r
        %s\r
        --edge\r
        Content-Disposition: form-data; name="overwrite"\r
        \r
        true\r
        --edge--\r
        """
            .formatted(name, type, subfolder, original);
    harmless(
        "POST",
        route,
        form.getBytes(StandardCharsets.UTF_8),
        "Content-Type: multipart/form-data; boundary=edge");
  }

  /** All files beside the server's folder, and those in it that are not clients' to change. */
  private List<String> outside() throws IOException {
    List<String> all = new ArrayList<>();
    try (Stream<Path> files = Files.list(java.util.Objects.requireNonNull(secret.getParent()))) {
      files.map(Path::toString).forEach(all::add);
    }
    try (Stream<Path> files = Files.list(base)) {
      files.map(Path::toString).sorted().forEach(all::add);
    }
    return all.stream().sorted().toList();
  }
}
