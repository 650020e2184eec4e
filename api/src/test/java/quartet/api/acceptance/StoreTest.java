package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Outputs in S3-compatible storage that is there, away, and refuses. */
final class StoreTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final String NOBODY = "a-name-of-nobody";
  private static final String SECRET = "a-key-of-nobody";

  private static Map<String, String> environment(String id, String secret) {
    return Map.of("AWS_ACCESS_KEY_ID", id, "AWS_SECRET_ACCESS_KEY", secret);
  }

  private static String[] arguments(S3Server storage) {
    return new String[] {
      "--devices",
      "sim:1",
      "--sim",
      "step=5ms",
      "--s3-endpoint",
      storage.url(),
      "--s3-bucket",
      S3Server.BUCKET,
      "--s3-prefix",
      "quartet"
    };
  }

  /** A prompt whose picture goes into a folder with a name that has to be escaped. */
  private static JsonNode image(Client client, String id) {
    String body = Client.named(id, 2, Map.of("9.filename_prefix", "size 1+2 (a)/picture"));
    return client.ended(client.accepted(body), PATIENCE).at("/outputs/9/images/0");
  }

  private static String key(JsonNode image) {
    return "quartet/" + image.at("/subfolder").asText() + "/" + image.at("/filename").asText();
  }

  private static Path local(Path base, JsonNode image) {
    return base.resolve("output")
        .resolve(image.at("/subfolder").asText())
        .resolve(image.at("/filename").asText());
  }

  private static boolean nothingWaits(Path base) {
    try (Stream<Path> waiting = Files.list(base.resolve("data/uploads"))) {
      return waiting.findAny().isEmpty();
    } catch (java.io.IOException e) {
      return false;
    }
  }

  private static String view(JsonNode image) {
    return "/view?type=output&filename="
        + image.at("/filename").asText()
        + "&subfolder="
        + java.net.URLEncoder.encode(
            image.at("/subfolder").asText(), java.nio.charset.StandardCharsets.UTF_8);
  }

  @Test
  void outputsArriveWholeAlsoWhenTheStorageOrTheServerWasAway(@TempDir Path base) throws Exception {
    Path server1 = Files.createDirectory(base.resolve("server"));
    try (S3Server storage = new S3Server("StoreTest", base.resolve("storage"))) {
      storage.start();
      JsonNode later;
      try (ServerProcess server =
              ServerProcess.start(
                  server1, environment(S3Server.KEY, S3Server.KEY), arguments(storage));
          Client client = new Client(server)) {
        JsonNode first = image(client, "first");
        server.await("an empty outbox", PATIENCE, () -> nothingWaits(server1));
        assertThat(storage.object(key(first))).hasSameBinaryContentAs(local(server1, first));

        storage.stop();
        JsonNode second = image(client, "second");
        server.await(
            "the refusal in the log",
            PATIENCE,
            () -> server.text().contains("does not take outputs"));
        assertThat(storage.object(key(second))).doesNotExist();
        assertThat(nothingWaits(server1)).isFalse();
        storage.start();
        server.await("another try", PATIENCE, () -> nothingWaits(server1));
        assertThat(storage.object(key(second))).hasSameBinaryContentAs(local(server1, second));

        storage.stop();
        later = image(client, "later");
        server.await("the key on disk", PATIENCE, () -> !nothingWaits(server1));
        DurableQueueTest.killNow(server);
      }
      assertThat(storage.object(key(later))).doesNotExist();
      storage.start();
      try (ServerProcess server =
              ServerProcess.start(
                  server1, environment(S3Server.KEY, S3Server.KEY), arguments(storage));
          Client client = new Client(server)) {
        server.await(
            "the output from before the kill",
            PATIENCE,
            () -> Files.exists(storage.object(key(later))) && nothingWaits(server1));
        byte[] whole = Files.readAllBytes(local(server1, later));
        assertThat(storage.object(key(later))).hasBinaryContent(whole);

        // Moved away here, it is shown from there.
        assertThat(client.get(view(later)).bytes()).isEqualTo(whole);
        Files.delete(local(server1, later));
        assertThat(client.get(view(later)).bytes()).isEqualTo(whole);
        assertThat(client.get(view(later) + "&preview=jpeg").bytes()).startsWith(0xFF, 0xD8);
        assertThat(client.get(view(later).replace("picture", "pictures")).status())
            .as("what the history does not name is not asked for")
            .isEqualTo(404);
        storage.stop();
        assertThat(client.get(view(later)).status()).isEqualTo(502);
      }
    }
  }

  @Test
  void aWrongKeyIsToldAndNeverShown(@TempDir Path base) throws Exception {
    Path server1 = Files.createDirectory(base.resolve("server"));
    try (S3Server storage = new S3Server("StoreTest", base.resolve("storage"))) {
      storage.start();
      try (ServerProcess server =
              ServerProcess.start(server1, environment(NOBODY, SECRET), arguments(storage));
          Client client = new Client(server)) {
        JsonNode first = image(client, "first");
        server.await(
            "the storage's word",
            PATIENCE,
            () -> server.text().contains("the storage answered 403 (InvalidAccessKeyId)"));
        assertThat(storage.object(key(first))).doesNotExist();
        assertThat(nothingWaits(server1)).isFalse();
        assertThat(server.text()).doesNotContain(SECRET, NOBODY);
        for (String path : new String[] {"/system_stats", "/internal/logs", "/internal/logs/raw"}) {
          assertThat(client.get(path).text()).as(path).doesNotContain(SECRET, NOBODY);
        }
      }
    }
  }
}
