package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import quartet.image.ImageReader;
import quartet.image.Pixels;
import quartet.image.PngText;
import quartet.image.PngWriter;

/** Uploads and {@code /view}: what is stored where, what is shown how, and what is refused. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class FileRoutesTest {
  private static final int SIDE = 16;

  private @Nullable ServerProcess started;
  private @Nullable Client opened;
  private Path base = Path.of("");

  @BeforeAll
  void start(@TempDir Path folder) throws IOException {
    base = folder.toRealPath().resolve("server");
    Files.createDirectories(base);
    Files.writeString(base.resolveSibling("secret.png"), "secret");
    started = ServerProcess.start(base, Map.of(), "--devices", "cpu:1", "--max-upload-size", "12");
    opened = new Client(started);
    Files.createSymbolicLink(base.resolve("input/link.png"), base.resolveSibling("secret.png"));
    Files.createSymbolicLink(base.resolve("input/out"), base.getParent());
    Files.createSymbolicLink(
        base.resolve("input/dangling.png"), base.resolveSibling("not-there.png"));
  }

  @AfterAll
  void stop() {
    client().close();
    java.util.Objects.requireNonNull(started).close();
  }

  private Client client() {
    return java.util.Objects.requireNonNull(opened);
  }

  /** Red with the given alpha. */
  private static byte[] png(int alpha, Map<String, String> text) {
    byte[] bytes = new byte[SIDE * SIDE * 4];
    for (int i = 0; i < bytes.length; i += 4) {
      bytes[i] = (byte) 200;
      bytes[i + 3] = (byte) alpha;
    }
    return PngWriter.encode(new Pixels(bytes, SIDE, SIDE, 4), text, 4);
  }

  private Client.Answer upload(String name, byte[] content, Map<String, String> fields) {
    return client()
        .post("/upload/image", Form.of(name, content, fields), "Content-Type", Form.TYPE);
  }

  @Test
  void equalContentKeepsItsNameAndOtherContentGetsANumber() throws IOException {
    byte[] first = png(255, Map.of());
    byte[] second = png(255, Map.of("note", "another"));
    JsonNode stored = upload("clash.png", first, Map.of()).json();
    assertThat(stored.path("name").asText()).isEqualTo("clash.png");
    assertThat(stored.path("subfolder").asText()).isEmpty();
    assertThat(stored.path("type").asText()).isEqualTo("input");
    assertThat(upload("clash.png", first, Map.of()).json()).isEqualTo(stored);
    assertThat(upload("clash.png", second, Map.of()).json().path("name").asText())
        .isEqualTo("clash (1).png");
    assertThat(upload("clash.png", second, Map.of()).json().path("name").asText())
        .isEqualTo("clash (1).png");
    assertThat(upload("clash.png", second, Map.of("overwrite", "true")).json()).isEqualTo(stored);
    assertThat(Files.readAllBytes(base.resolve("input/clash.png"))).isEqualTo(second);
    try (Stream<Path> left = Files.list(base.resolve("input"))) {
      assertThat(left.map(Path::toString)).noneMatch(name -> name.endsWith(".part"));
    }
  }

  @Test
  void subfoldersAndTypesAreMade() {
    byte[] picture = png(255, Map.of());
    JsonNode stored =
        upload("deep.png", picture, Map.of("subfolder", "a/b", "type", "temp")).json();
    assertThat(stored.path("subfolder").asText()).isEqualTo("a/b");
    assertThat(base.resolve("temp/a/b/deep.png")).hasBinaryContent(picture);
    Client.Answer view = client().get("/api/view?filename=deep.png&type=temp&subfolder=a/b");
    assertThat(view.bytes()).isEqualTo(picture);
  }

  @Test
  void anUploadedPictureCanBeLoadedByAWorkflow() {
    upload("load me.png", png(255, Map.of()), Map.of("subfolder", "mine"));
    String id =
        client()
            .accepted(
                """
                {"prompt": {
                  "1": {"class_type": "LoadImage", "inputs": {"image": "mine/load me.png"}},
                  "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "up"}}}}
                """);
    JsonNode entry = client().ended(id, java.time.Duration.ofMinutes(1));
    assertThat(entry.path("status").path("completed").asBoolean()).as(entry.toString()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "../evil.png, ''",
    "a/../../evil.png, ''",
    "/etc/evil.png, ''",
    "..\\\\evil.png, ''",
    "evil.png, ..",
    "evil.png, ../../x",
    "evil.png, /etc",
    "evil.png, out",
    "out/evil.png, ''",
    "dangling.png, ''",
    "'', ''"
  })
  void uploadsStayInTheirFolder(String name, String subfolder) throws IOException {
    Client.Answer answer =
        upload(name, png(255, Map.of()), Map.of("subfolder", subfolder, "overwrite", "true"));
    if (name.equals("dangling.png")) {
      assertThat(answer.status()).isIn(200, 400); // replaced or refused, never followed
    } else {
      assertThat(answer.status()).as(answer.text()).isEqualTo(400);
    }
    try (Stream<Path> outside = Files.list(base.getParent())) {
      assertThat(outside.map(path -> path.getFileName().toString()))
          .doesNotContain("evil.png", "not-there.png", "x");
    }
  }

  @Test
  void wrongFormsAreRefused() {
    assertThat(upload("a.png", png(255, Map.of()), Map.of("type", "secret")).status())
        .isEqualTo(400);
    assertThat(client().post("/upload/image", "nothing", "Content-Type", Form.TYPE).status())
        .isEqualTo(400);
    assertThat(client().post("/upload/image", "{}").status()).isIn(400, 415);
    assertThat(client().get("/upload/image").status()).isEqualTo(405);
    Client.Answer large = upload("large.png", new byte[13 << 20], Map.of());
    assertThat(large.status()).as(large.text()).isEqualTo(413);
  }

  @Test
  void bodiesUpToTheLimitAreTaken() {
    byte[] large = new byte[11 << 20];
    assertThat(client().post("/userdata/large.bin", large).status()).isEqualTo(200);
    assertThat(client().get("/userdata/large.bin").bytes()).hasSize(large.length);
    assertThat(upload("large.bin", large, Map.of("type", "temp")).status()).isEqualTo(200);
  }

  @Test
  void masksReplaceTheAlphaAndKeepTheWorkflow() throws IOException {
    upload("original.png", png(255, Map.of("workflow", "{\"a\":1}")), Map.of());
    Client.Answer answer =
        client()
            .post(
                "/upload/mask",
                Form.of(
                    "masked.png",
                    png(7, Map.of()),
                    Map.of(
                        "original_ref",
                        "{\"filename\":\"original.png\",\"subfolder\":\"\",\"type\":\"input\"}")),
                "Content-Type",
                Form.TYPE);
    assertThat(answer.json().path("name").asText()).isEqualTo("masked.png");
    Path masked = base.resolve("input/masked.png");
    assertThat(ImageReader.read(masked).bytes()).startsWith((byte) 200, 0, 0, 7);
    assertThat(PngText.read(masked)).containsEntry("workflow", "{\"a\":1}");
    for (String reference :
        new String[] {
          "no json",
          "{\"filename\":\"../../secret.png\",\"type\":\"input\"}",
          "{\"filename\":\"none.png\",\"type\":\"input\"}",
          "{\"filename\":\"original.png\",\"type\":\"elsewhere\"}"
        }) {
      assertThat(
              client()
                  .post(
                      "/upload/mask",
                      Form.of("m.png", png(7, Map.of()), Map.of("original_ref", reference)),
                      "Content-Type",
                      Form.TYPE)
                  .status())
          .as(reference)
          .isEqualTo(400);
    }
    assertThat(base.resolve("input/m.png")).doesNotExist();
  }

  @Test
  void viewsAreMadeLighterOnRequest() throws IOException {
    upload("opaque.png", png(255, Map.of("workflow", "{}")), Map.of());
    upload("clear.png", png(40, Map.of()), Map.of());
    Client.Answer raw = client().get("/view?filename=opaque.png&type=input&rand=0.5");
    assertThat(raw.header("content-type")).isEqualTo("image/png");
    assertThat(raw.header("content-disposition")).isEqualTo("filename=\"opaque.png\"");
    assertThat(raw.header("x-content-type-options")).isEqualTo("nosniff");
    assertThat(raw.header("accept-ranges")).isEqualTo("bytes");

    Client.Answer jpeg = client().get("/view?filename=opaque.png&type=input&preview=jpeg;80");
    assertThat(jpeg.header("content-type")).isEqualTo("image/jpeg");
    assertThat(jpeg.bytes()).startsWith(0xFF, 0xD8);
    Client.Answer webp = client().get("/view?filename=clear.png&type=input&preview=webp;90");
    assertThat(webp.header("content-type")).isEqualTo("image/png");
    Client.Answer rgb = client().get("/view?filename=clear.png&type=input&channel=rgb");
    assertThat(image(rgb).getColorModel().hasAlpha()).isFalse();
    Client.Answer alpha = client().get("/view?filename=clear.png&type=input&channel=a");
    assertThat(image(alpha).getRGB(3, 3)).isEqualTo(40 << 24);
    assertThat(client().get("/view?filename=clear.png [input]".replace(" ", "%20")).status())
        .isEqualTo(200);
  }

  private static java.awt.image.BufferedImage image(Client.Answer answer) throws IOException {
    return ImageIO.read(new ByteArrayInputStream(answer.bytes()));
  }

  @Test
  void rangesAndUnchangedFilesSaveTraffic() {
    byte[] picture = png(255, Map.of("note", "ranges"));
    upload("range.png", picture, Map.of());
    String path = "/view?filename=range.png&type=input";
    Client.Answer part = client().get(path, "Range", "bytes=10-19");
    assertThat(part.status()).isEqualTo(206);
    assertThat(part.bytes()).isEqualTo(Arrays.copyOfRange(picture, 10, 20));
    assertThat(client().get(path, "Range", "bytes=999999-").status()).isEqualTo(416);
    Client.Answer whole = client().get(path);
    assertThat(whole.header("last-modified")).isNotEmpty();
    assertThat(client().get(path, "If-None-Match", whole.header("etag")).status()).isEqualTo(304);
    Client.Answer head = client().send("HEAD", path, new byte[0]);
    assertThat(head.status()).isEqualTo(200);
    assertThat(head.bytes()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"x.html", "x.htm", "x.svg", "x.xml", "x.js", "x.css", "x.xhtml", "x"})
  void whatABrowserWouldRunIsOnlyEverSaved(String name) {
    upload(name, "<script>alert(1)</script>".getBytes(StandardCharsets.UTF_8), Map.of());
    Client.Answer answer = client().get("/view?type=input&filename=" + name);
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.header("content-type")).isEqualTo("application/octet-stream");
    assertThat(answer.header("content-disposition"))
        .isEqualTo("attachment; filename=\"%s\"".formatted(name));
    assertThat(answer.header("x-content-type-options")).isEqualTo("nosniff");
  }

  @ParameterizedTest
  @CsvSource({
    "filename=..%2Fsecret.png, 400",
    "filename=%252e%252e%252fsecret.png, 404",
    "filename=/etc/passwd, 400",
    "filename=%2Fetc%2Fpasswd, 400",
    "filename=..%5Csecret.png, 400",
    "filename=a%5Csecret.png, 400",
    "filename=a%00.png, 400",
    "filename=, 400",
    "filename=., 400",
    "filename=link.png, 403",
    "filename=secret.png&subfolder=.., 403",
    "filename=secret.png&subfolder=..%2F.., 403",
    "filename=secret.png&subfolder=%252e%252e, 404",
    "filename=passwd&subfolder=%2Fetc, 403",
    "filename=secret.png&subfolder=..%5C, 403",
    "filename=secret.png&subfolder=out, 403",
    "filename=secret.png&subfolder=a%00, 403",
    "filename=x.png&type=..%2F, 400",
    "subfolder=x, 404",
    "filename=dangling.png, 403"
  })
  void viewNeverLeavesItsFolder(String query, int status) {
    Client.Answer answer = client().get("/view?type=input&" + query);
    if (query.contains("type=")) {
      answer = client().get("/view?" + query);
    }
    assertThat(answer.status()).as(answer.text()).isEqualTo(status);
    assertThat(answer.text()).doesNotContain("root:", "secret\n").isNotEqualTo("secret");
  }
}
