package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.wire.Json;
import quartet.testkit.Goldens;

/** Pictures while sampling, and clients that come late, twice, or never read. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PreviewTest {
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final int SIDE = 256;

  /** Steps of a prompt that a test stops when it has seen enough. */
  private static final int ENDLESS = 10_000;

  private @Nullable ServerProcess started;
  private @Nullable Client opened;

  @BeforeAll
  void start(@TempDir Path base) throws IOException {
    Path models = Files.createDirectories(base.resolve("models"));
    Files.createSymbolicLink(
        models.resolve("checkpoints"), ServerProcess.repository().resolve("models/checkpoints"));
    Files.copy(
        Goldens.path("tiny_taesd.safetensors"),
        Files.createDirectories(models.resolve("vae_approx")).resolve("taesd_decoder.safetensors"));
    started =
        ServerProcess.start(
            base,
            Map.of(),
            "--devices",
            "cpu:1",
            "--preview-method",
            "auto",
            "--preview-size",
            Integer.toString(SIDE));
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

  private Socket socket(String sid) {
    Socket socket = new Socket(server(), client(), sid);
    socket.await("status");
    return socket;
  }

  private String run(String clientId, long seed, int steps, String extra) {
    String prompt =
        Json.text(
            Client.workflow(
                Map.of("5.width", 64, "5.height", 128, "3.steps", steps, "3.seed", seed)));
    return client()
        .accepted("{\"client_id\": \"%s\", \"prompt\": %s%s}".formatted(clientId, prompt, extra));
  }

  /**
   * Pictures are lossy: one that is not encoded when its node ends may never come. So the prompts
   * of those who want to see one are long, and are stopped when it is there.
   */
  private void stopWhenSeen(String id, Socket... sockets) {
    for (Socket socket : sockets) {
      server().await("a picture", PATIENCE, () -> !socket.frames().isEmpty());
    }
    client().post("/interrupt", "{\"prompt_id\": \"" + id + "\"}");
    client().ended(id, PATIENCE);
  }

  @Test
  void clientsThatSaidNothingGetPlainFrames() throws IOException {
    try (Socket socket = socket("plain")) {
      stopWhenSeen(run("plain", 1, ENDLESS, ""), socket);
      for (byte[] frame : socket.frames()) {
        ByteBuffer head = ByteBuffer.wrap(frame);
        assertThat(head.getInt()).isEqualTo(1);
        assertThat(head.getInt()).isEqualTo(1);
        BufferedImage picture = picture(frame, 8);
        assertThat(picture.getHeight()).isEqualTo(SIDE);
        assertThat(picture.getWidth()).isEqualTo(SIDE / 2);
      }
      assertThat(socket.data("feature_flags")).isEmpty();
    }
  }

  private static BufferedImage picture(byte[] frame, int from) throws IOException {
    return ImageIO.read(new ByteArrayInputStream(Arrays.copyOfRange(frame, from, frame.length)));
  }

  @Test
  void clientsThatUnderstandItGetTheNodeWithThePicture() throws IOException {
    try (Socket socket = socket("flagged")) {
      socket.send("{\"type\":\"feature_flags\",\"data\":{\"supports_preview_metadata\":true}}");
      socket.await("feature_flags");
      assertThat(socket.data("feature_flags").getFirst())
          .isEqualTo(client().get("/features").json());
      assertThat(client().get("/features").json().path("supports_preview_metadata").asBoolean())
          .isTrue();
      String id = run("flagged", 2, ENDLESS, "");
      stopWhenSeen(id, socket);
      for (byte[] frame : socket.frames()) {
        ByteBuffer head = ByteBuffer.wrap(frame);
        assertThat(head.getInt()).isEqualTo(4);
        int length = head.getInt();
        JsonNode json = Json.parse(Arrays.copyOfRange(frame, 8, 8 + length));
        assertThat(json.path("node_id").asText()).isEqualTo("3");
        assertThat(json.path("prompt_id").asText()).isEqualTo(id);
        assertThat(json.path("image_type").asText()).isEqualTo("image/jpeg");
        assertThat(picture(frame, 8 + length).getHeight()).isEqualTo(SIDE);
      }
    }
  }

  @Test
  void picturesForTheSocketComeWholeAndEachTime() throws IOException {
    String prompt =
        """
        {"1": {"class_type": "PrimitiveInt", "inputs": {"value": 40}},
         "2": {"class_type": "EmptyImage", "inputs": {"width": ["1", 0], "height": 24, "batch_size": 2, "color": 255}},
         "3": {"class_type": "SaveImageWebsocket", "inputs": {"images": ["2", 0]}}}
        """;
    try (Socket socket = socket("whole")) {
      for (int round = 1; round <= 2; round++) {
        socket.awaitEnd(
            client().accepted("{\"client_id\": \"whole\", \"prompt\": " + prompt + "}"));
        assertThat(socket.frames()).hasSize(2 * round);
      }
      for (byte[] frame : socket.frames()) {
        ByteBuffer head = ByteBuffer.wrap(frame);
        assertThat(head.getInt()).isEqualTo(1);
        assertThat(head.getInt()).as("a PNG").isEqualTo(2);
        assertThat(picture(frame, 8).getWidth()).isEqualTo(40);
        assertThat(picture(frame, 8).getRGB(0, 0)).isEqualTo(0xFF0000FF);
      }
      assertThat(socket.data("executing").stream().map(data -> data.path("node").asText()))
          .as("the node is known before its pictures come")
          .contains("3");
    }
  }

  @Test
  void aPromptMayWantNone() {
    try (Socket socket = socket("none")) {
      String id = run("none", 3, 3, ", \"extra_data\": {\"preview_method\": \"none\"}");
      socket.awaitEnd(id);
      assertThat(socket.frames()).isEmpty();
      assertThat(socket.data("progress")).hasSizeGreaterThanOrEqualTo(3);
    }
  }

  @Test
  void aPromptMayWantTheTinyAutoencodersPictures() {
    List<byte[]> shown = new ArrayList<>();
    for (String method : List.of("latent2rgb", "taesd", "default")) {
      try (Socket socket = socket(method)) {
        String extra = ", \"extra_data\": {\"preview_method\": \"" + method + "\"}";
        Map<String, Object> settings =
            Map.of(
                "5.width",
                64,
                "5.height",
                64,
                "3.steps",
                ENDLESS,
                "3.cfg",
                5 + shown.size() / 100.0);
        String prompt = Json.text(Client.workflow(settings));
        stopWhenSeen(
            client()
                .accepted(
                    "{\"client_id\": \"%s\", \"prompt\": %s%s}".formatted(method, prompt, extra)),
            socket);
        shown.add(socket.frames().getFirst());
      }
    }
    // So small a change of the guidance hardly shows; how it is drawn does.
    assertThat(difference(shown.get(0), shown.get(1))).isGreaterThan(20);
    assertThat(difference(shown.get(0), shown.get(2))).isLessThan(5);
  }

  /** Mean over the pixels' red, green and blue. */
  private static double difference(byte[] frame, byte[] other) {
    try {
      BufferedImage first = picture(frame, 8);
      BufferedImage second = picture(other, 8);
      double sum = 0;
      for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
          for (int shift = 0; shift < 24; shift += 8) {
            int a = first.getRGB(x, y) >> shift & 255;
            int b = second.getRGB(x, y) >> shift & 255;
            sum += Math.abs(a - b);
          }
        }
      }
      return sum / (3.0 * SIDE * SIDE);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void promptsWithoutAClientShowTheirProgressToAll() {
    try (Socket first = socket("first");
        Socket second = socket("second")) {
      Map<String, Object> settings =
          Map.of("5.width", 64, "5.height", 64, "3.steps", ENDLESS, "3.seed", 4);
      stopWhenSeen(client().accepted(Json.text(Client.workflow(settings))), first, second);
      for (Socket socket : List.of(first, second)) {
        assertThat(socket.data("progress_state")).isNotEmpty();
        assertThat(socket.data("execution_start")).isEmpty();
        assertThat(socket.data("executing")).isEmpty();
      }
    }
  }

  @Test
  void theSecondConnectionOfAClientIsTheOneThatHears() {
    Socket old = socket("twice");
    try (Socket fresh = socket("twice")) {
      old.close();
      String id = run("twice", 5, 2, "");
      fresh.awaitEnd(id);
      assertThat(old.data("execution_start")).isEmpty();
    }
  }

  @Test
  void aClientThatComesWhileItsPromptRunsIsToldTheNode() {
    String id = run("late", 6, ENDLESS, "");
    server()
        .await(
            "running",
            PATIENCE,
            () -> client().get("/queue").json().path("queue_running").size() == 1);
    try (Socket socket = socket("late")) {
      server().await("a node", PATIENCE, () -> !socket.data("executing").isEmpty());
      client().post("/interrupt", "{\"prompt_id\": \"" + id + "\"}");
      socket.awaitEnd(id);
      assertThat(socket.data("execution_interrupted")).hasSize(1);
    }
  }

  @Test
  void subscribersSeeTheLog() {
    try (Socket socket = socket("logger")) {
      String path = "/internal/logs/subscribe";
      byte[] on = "{\"clientId\":\"logger\",\"enabled\":true}".getBytes(StandardCharsets.UTF_8);
      assertThat(client().send("PATCH", path, on).status()).isEqualTo(200);
      String id = run("logger", 7, 2, "");
      socket.awaitEnd(id);
      server()
          .await(
              "a log line",
              PATIENCE,
              () ->
                  socket.data("logs").stream()
                      .anyMatch(data -> data.at("/entries/0/m").asText().contains(id)));
    }
    assertThat(client().get("/internal/logs/raw").json().at("/entries/0/m").asText())
        .endsWith("\n");
    assertThat(client().get("/internal/logs").json().isTextual()).isTrue();
  }

  @Test
  void whoDoesNotReadSlowsNobodyAndStillHearsTheEnd() throws IOException {
    try (java.net.Socket deaf = new java.net.Socket();
        Socket other = socket("other")) {
      deaf.setReceiveBufferSize(4096);
      deaf.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server().port()));
      deaf.getOutputStream()
          .write(
              """
              GET /ws?clientId=deaf HTTP/1.1\r
              Host: 127.0.0.1:%d\r
              Connection: Upgrade\r
              Upgrade: websocket\r
              Sec-WebSocket-Version: 13\r
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
              \r
              """
                  .formatted(server().port())
                  .getBytes(StandardCharsets.US_ASCII));
      String warm = run("deaf", 8, 100, "");
      stopWhenSeen(run("other", 9, ENDLESS, ""), other);
      client().ended(warm, PATIENCE);
      deaf.setSoTimeout((int) PATIENCE.toMillis());
      String heard = readUntil(deaf.getInputStream(), "\"executing\",\"data\":{\"node\":null");
      assertThat(heard).contains("execution_success").contains(warm);
    }
  }

  private static String readUntil(InputStream in, String mark) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    byte[] part = new byte[1 << 16];
    for (int count = in.read(part); count > 0; count = in.read(part)) {
      all.write(part, 0, count);
      String text = all.toString(StandardCharsets.ISO_8859_1);
      if (text.contains(mark)) {
        return text;
      }
    }
    throw new IOException("ended after " + all.size() + " bytes without " + mark);
  }
}
