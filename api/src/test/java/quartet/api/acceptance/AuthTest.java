package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.assertj.core.api.Assertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.bench.Scrape;
import quartet.api.wire.Json;

/** A server with keys: who may do what, and what one key's holder sees of another's prompts. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class AuthTest {
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final String PICTURE =
      """
      {"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": %d}},
       "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "%s"}}}
      """;

  private @Nullable ServerProcess started;
  private @Nullable Client opened;
  private String admin = "";
  private String ann = "";
  private String bob = "";
  private String watcher = "";

  @BeforeAll
  void start(@TempDir Path base) {
    Path file = base.resolve("keys.txt");
    admin = key(file, "root", "admin", 0);
    ann = key(file, "ann", "user", 0);
    bob = key(file, "bob", "user", 2);
    watcher = key(file, "grafana", "read-only", 0);
    started =
        ServerProcess.start(base, Map.of(), "--devices", "cpu:1", "--api-keys", file.toString());
    opened = new Client(started);
  }

  /** As an operator makes it. */
  private static String key(Path file, String name, String role, int quota) {
    Cli.Result made =
        Cli.run(
            "key",
            name,
            "--role",
            role,
            "--quota",
            Integer.toString(quota),
            "--keys",
            file.toString());
    assertThat(made.exit()).as("%s", made).isZero();
    return made.out().strip();
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

  private Client.Answer get(String key, String path) {
    return client().get(path, "Authorization", "Bearer " + key);
  }

  private Client.Answer post(String key, String path, String body) {
    return client().post(path, body, "Authorization", "Bearer " + key);
  }

  private String submit(String key, String clientId, String prompt) {
    Client.Answer answer =
        post(key, "/prompt", "{\"client_id\": \"%s\", \"prompt\": %s}".formatted(clientId, prompt));
    assertThat(answer.status()).as(answer.text()).isEqualTo(200);
    return answer.json().path("prompt_id").asText();
  }

  private JsonNode ended(String key, String id) {
    server()
        .await("the end of " + id, PATIENCE, () -> !get(key, "/history/" + id).json().isEmpty());
    return get(key, "/history/" + id).json().path(id);
  }

  private static String longPrompt(long seed) {
    return Json.text(
        Client.workflow(Map.of("5.width", 64, "5.height", 64, "3.steps", 5000, "3.seed", seed)));
  }

  @Test
  void whetherItIsUpIsToldToAnybody() {
    assertThat(client().get("/health/live").json().at("/live").asBoolean()).isTrue();
    assertThat(client().get("/health/ready").text()).isEqualTo("{\"ready\":true,\"reasons\":[]}");
    assertThat(client().get("/health").status()).isEqualTo(401);
    assertThat(client().get("/health/ready/x").status()).isEqualTo(401);
  }

  @Test
  void thePageIsThereWithoutAKeyAndAsksForIt() {
    for (String path : new String[] {"/", "/index.html", "/dashboard/key.js"}) {
      assertThat(client().get(path).status()).as(path).isEqualTo(200);
      assertThat(client().get(path, "Cookie", "quartet_key=old").status()).isEqualTo(200);
      assertThat(client().post(path, "{}").status()).as(path).isEqualTo(401);
    }
    assertThat(client().get("/dashboard/other.js").status()).isEqualTo(401);
    assertThat(client().get("/dashboard/../queue").status()).isEqualTo(401);
  }

  @Test
  void withoutAKeyNothingIsAnswered() throws IOException {
    for (String path :
        new String[] {
          "/?token=wrong",
          "/queue",
          "/devices",
          "/api/history",
          "/object_info",
          "/view?filename=a.png",
          "/x",
          "/queue?token=wrong",
          "/internal/logs"
        }) {
      Client.Answer answer = client().get(path);
      assertThat(answer.status()).as(path).isEqualTo(401);
      assertThat(answer.header("WWW-Authenticate")).startsWith("Bearer");
      assertThat(answer.json().at("/error/type").asText()).isEqualTo("unauthorized");
    }
    assertThat(client().post("/prompt", "{}").status()).isEqualTo(401);
    assertThat(get(ann + "x", "/queue").status()).isEqualTo(401);
    assertThat(client().get("/queue", "Authorization", "Basic " + ann).status()).isEqualTo(401);
    Assertions.assertThatThrownBy(
            () ->
                client()
                    .http()
                    .newWebSocketBuilder()
                    .buildAsync(
                        URI.create(server().url("/ws?clientId=a").replace("http:", "ws:")),
                        new WebSocket.Listener() {})
                    .join())
        .isInstanceOf(CompletionException.class)
        .hasCauseInstanceOf(WebSocketHandshakeException.class)
        .satisfies(
            failure ->
                assertThat(
                        ((WebSocketHandshakeException)
                                java.util.Objects.requireNonNull(failure.getCause()))
                            .getResponse()
                            .statusCode())
                    .isEqualTo(401));
    assertThat(Files.readString(server().base().resolve("keys.txt")))
        .as("only hashes are kept")
        .doesNotContain(ann);
    assertThat(server().text()).as("nor does the log have keys").doesNotContain(ann);
  }

  @Test
  void aKeyComesAsBearerAsTokenOrInTheCookieOfThePage() {
    assertThat(get(ann, "/queue").status()).isEqualTo(200);
    assertThat(client().get("/queue?token=" + ann).status()).isEqualTo(200);
    Client.Answer page = client().get("/?token=" + ann);
    assertThat(page.status()).isEqualTo(200);
    assertThat(page.header("Set-Cookie")).contains("HttpOnly").contains("SameSite=Strict");
    String cookie = page.header("Set-Cookie").replaceAll(";.*", "");
    assertThat(client().get("/queue", "Cookie", "other=1; " + cookie).status()).isEqualTo(200);
  }

  @Test
  void aReadOnlyKeySeesEverythingAndChangesNothing() {
    String id = submit(ann, "w", PICTURE.formatted(1, "watched"));
    ended(ann, id);
    assertThat(get(watcher, "/history/" + id).json().has(id)).isTrue();
    assertThat(get(watcher, "/internal/logs").status()).isEqualTo(200);
    for (String path :
        new String[] {
          "/prompt",
          "/queue",
          "/interrupt",
          "/free",
          "/history",
          "/settings",
          "/upload/image",
          "/api/jobs/cancel",
          "/userdata/a.txt"
        }) {
      Client.Answer answer = post(watcher, path, "{}");
      assertThat(answer.status()).as(path).isEqualTo(403);
      assertThat(answer.json().at("/error/details").asText()).contains("grafana");
    }
  }

  @Test
  void aUserSeesAndStopsNothingOfAnothers() {
    String annes = submit(ann, "same", longPrompt(1));
    server()
        .await(
            "running",
            PATIENCE,
            () -> get(ann, "/queue").json().at("/queue_running/0/1").asText().equals(annes));
    String waiting = submit(ann, "same", longPrompt(2));
    for (String path : new String[] {"/queue", "/queue/all", "/api/jobs", "/history"}) {
      assertThat(get(bob, path).text()).as(path).doesNotContain(annes).doesNotContain(waiting);
      assertThat(get(admin, "/queue").text()).contains(annes).contains(waiting);
    }
    assertThat(get(bob, "/api/jobs/" + annes).status()).isEqualTo(404);
    assertThat(post(bob, "/queue", "{\"clear\":true,\"delete\":[\"" + waiting + "\"]}").status())
        .isEqualTo(200);
    assertThat(post(bob, "/interrupt", "{}").status()).isEqualTo(200);
    assertThat(post(bob, "/interrupt", "{\"prompt_id\":\"" + annes + "\"}").status())
        .isEqualTo(200);
    assertThat(
            post(bob, "/api/jobs/" + annes + "/cancel", "{}").json().path("cancelled").asBoolean())
        .isFalse();
    assertThat(get(ann, "/queue").text())
        .as("both are still there")
        .contains(annes)
        .contains(waiting);
    assertThat(post(ann, "/queue", "{\"clear\":true}").status()).isEqualTo(200);
    post(ann, "/interrupt", "{}");
    assertThat(ended(ann, annes).at("/status/status_str").asText()).isEqualTo("error");
    assertThat(get(bob, "/history/" + annes).json()).isEmpty();
    assertThat(post(bob, "/history", "{\"clear\":true,\"delete\":[\"" + annes + "\"]}").status())
        .isEqualTo(200);
    assertThat(get(ann, "/history/" + annes).json().has(annes)).isTrue();
  }

  @Test
  void picturesAreForTheirOwnerAlone() {
    JsonNode entry = ended(ann, submit(ann, "p", PICTURE.formatted(3, "hers")));
    String name = entry.at("/outputs/2/images/0/filename").asText();
    assertThat(get(ann, "/view?filename=" + name).status()).isEqualTo(200);
    assertThat(get(admin, "/view?filename=" + name).status()).isEqualTo(200);
    assertThat(get(bob, "/view?filename=" + name).status()).isEqualTo(404);
    assertThat(get(bob, "/view?filename=" + name + "%20%5Boutput%5D&type=input").status())
        .isEqualTo(404);
    assertThat(get(bob, "/internal/files/output").status()).isEqualTo(403);
    assertThat(get(bob, "/internal/logs/raw").status()).isEqualTo(403);
    assertThat(post(bob, "/free", "{}").status()).isEqualTo(403);
  }

  @Test
  void eventsGoToTheHolderOfTheKeyNotToWhoeverKnowsTheClientId() {
    try (Socket hers = new Socket(server(), client(), "shared&token=" + ann);
        Socket his = new Socket(server(), client(), "shared&token=" + bob);
        Socket operators = new Socket(server(), client(), "op&token=" + admin)) {
      hers.await("status");
      his.await("status");
      operators.await("status");
      String id = submit(ann, "shared", PICTURE.formatted(4, "events"));
      hers.awaitEnd(id);
      assertThat(hers.data("executed")).hasSize(1);
      // Without a client id, progress goes to all who may know of the prompt.
      Client.Answer open = post(ann, "/prompt", Client.quick(77));
      ended(ann, open.json().path("prompt_id").asText());
      operators.await("progress");
      String last = submit(bob, "shared", PICTURE.formatted(5, "last"));
      his.awaitEnd(last);
      assertThat(his.events().toString())
          .doesNotContain(id)
          .doesNotContain(open.json().path("prompt_id").asText());
    }
  }

  @Test
  void nobodyWritesSomebodyElsesNameOnAPrompt() {
    Client.Answer answer =
        post(
            bob,
            "/prompt",
            "{\"extra_data\": {\"quartet_owner\": \"ann\"}, \"prompt\": %s}"
                .formatted(PICTURE.formatted(6, "forged")));
    String id = answer.json().path("prompt_id").asText();
    ended(bob, id);
    assertThat(get(ann, "/history/" + id).json()).isEmpty();
  }

  @Test
  void settingsAndSavedWorkflowsBelongToTheKey() {
    assertThat(post(ann, "/userdata/workflows%2Fa.json", "{\"hers\":1}").status()).isEqualTo(200);
    assertThat(post(ann, "/settings/colour", "\"red\"").status()).isEqualTo(200);
    assertThat(get(ann, "/userdata/workflows%2Fa.json").text()).isEqualTo("{\"hers\":1}");
    assertThat(get(bob, "/userdata/workflows%2Fa.json").status()).isEqualTo(404);
    assertThat(get(bob, "/settings/colour").text().strip()).isEqualTo("null");
    assertThat(
            client()
                .get("/settings/colour", "Authorization", "Bearer " + bob, "Comfy-User", "ann")
                .text()
                .strip())
        .as("the header names nobody here")
        .isEqualTo("null");
  }

  @Test
  void aQuotaBoundsWhatAKeyHasQueued() {
    String first = submit(bob, "q", longPrompt(11));
    String second = submit(bob, "q", longPrompt(12));
    Client.Answer third =
        post(bob, "/prompt", "{\"prompt\": %s}".formatted(PICTURE.formatted(7, "third")));
    assertThat(third.status()).isEqualTo(429);
    assertThat(third.header("Retry-After")).isNotEmpty();
    assertThat(third.json().at("/error/type").asText()).isEqualTo("quota_reached");
    assertThat(third.json().at("/error/details").asText()).startsWith("2 of 2");
    server()
        .await(
            "the refusal among the figures",
            PATIENCE,
            () ->
                Scrape.parse(get(admin, "/metrics").text())
                        .sum("quartet_prompt_rejections_total", "reason", "quota_reached")
                    == 1);
    post(bob, "/queue", "{\"clear\":true}");
    post(bob, "/api/jobs/cancel", "{\"job_ids\":[\"%s\",\"%s\"]}".formatted(first, second));
    server()
        .await("room", PATIENCE, () -> get(bob, "/queue").json().path("queue_running").isEmpty());
    ended(bob, submit(bob, "q", PICTURE.formatted(8, "fourth")));
  }
}
