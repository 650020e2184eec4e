package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The OpenAPI document says what the server does: every route, every method, and no more. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class OpenApiTest {
  private static final List<String> METHODS = List.of("GET", "POST", "PUT", "PATCH", "DELETE");
  private static final Pattern SEGMENT =
      Pattern.compile(
          "(?:(?<![.\\w])(?:path|pathPrefix|pathPrefixTest)|segment|slash)\\(\\s*\"([^\"]+)\"");

  private @Nullable ServerProcess started;
  private @Nullable Client opened;

  @BeforeAll
  void start(@TempDir Path base) {
    started = ServerProcess.start(base, Map.of(), "--devices", "cpu:1");
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

  private JsonNode document() {
    return client().get("/openapi.json").json();
  }

  private Client.Answer ask(String method, String path) {
    byte[] body = method.equals("GET") ? new byte[0] : "{}".getBytes(StandardCharsets.UTF_8);
    return client().send(method, path.replaceAll("\\{[^}]+}", "x"), body);
  }

  @Test
  void everyMethodOfTheDocumentIsThereAndNoOther() {
    for (Map.Entry<String, JsonNode> path : document().path("paths").properties()) {
      for (String method : METHODS) {
        String asked = method + " " + path.getKey();
        Client.Answer answer = ask(method, path.getKey());
        if (path.getValue().has(method.toLowerCase(Locale.ROOT))) {
          assertThat(answer.status()).as(asked).isNotEqualTo(405);
          if (answer.status() >= 500) { // only where that is an answer: not ready, since it drains
            JsonNode operation = path.getValue().path(method.toLowerCase(Locale.ROOT));
            assertThat(operation.path("responses").has(Integer.toString(answer.status())))
                .as("%s answers %d", asked, answer.status())
                .isTrue();
          }
          assertThat(answer.text()).as(asked).isNotEqualTo("404: Not Found\n");
        } else if (!isAnothersToo(path.getKey(), method)) {
          assertThat(answer.status()).as("%s is not documented", asked).isEqualTo(405);
        }
      }
    }
  }

  /** {@code GET /api/jobs/cancel} is the job called cancel. */
  private boolean isAnothersToo(String path, String method) {
    return document().path("paths").properties().stream()
        .filter(other -> other.getValue().has(method.toLowerCase(Locale.ROOT)))
        .anyMatch(other -> path.matches(other.getKey().replaceAll("\\{[^}]+}", "[^/]+")));
  }

  @Test
  void everySegmentOfARouteInTheSourcesIsInTheDocument() throws IOException {
    Set<String> known = new TreeSet<>(Set.of("api"));
    document()
        .path("paths")
        .fieldNames()
        .forEachRemaining(path -> known.addAll(List.of(path.split("/", -1))));
    Set<String> used = new TreeSet<>();
    Path sources = ServerProcess.repository().resolve("api/src/main/java/quartet/api");
    for (String folder : List.of("http", "ws")) {
      try (Stream<Path> files = Files.list(sources.resolve(folder))) {
        for (Path file : files.filter(one -> one.toString().endsWith(".java")).toList()) {
          Matcher matcher = SEGMENT.matcher(Files.readString(file));
          while (matcher.find()) {
            used.add(matcher.group(1));
          }
        }
      }
    }
    assertThat(used).hasSizeGreaterThan(40);
    assertThat(known).containsAll(used);
  }

  @Test
  void parametersOfAPathAreDeclaredAndEveryAnswerIsDescribed() {
    JsonNode document = document();
    assertThat(document.path("openapi").asText()).isEqualTo("3.1.0");
    assertThat(document.at("/info/version").asText()).isNotEmpty();
    Pattern placeholder = Pattern.compile("\\{([^}]+)}");
    for (Map.Entry<String, JsonNode> path : document.path("paths").properties()) {
      Set<String> wanted = new TreeSet<>();
      placeholder.matcher(path.getKey()).results().forEach(found -> wanted.add(found.group(1)));
      for (JsonNode operation : path.getValue()) {
        Set<String> declared = new TreeSet<>();
        for (JsonNode parameter : operation.path("parameters")) {
          if (parameter.path("in").asText().equals("path")) {
            declared.add(parameter.path("name").asText());
          }
        }
        assertThat(declared).as(path.getKey()).isEqualTo(wanted);
        assertThat(operation.path("responses")).as(path.getKey()).isNotEmpty();
        assertThat(operation.path("summary").asText()).as(path.getKey()).isNotEmpty();
      }
    }
    for (String reference : document.findValuesAsText("$ref")) {
      assertThat(document.at(reference.substring(1)).isObject()).as(reference).isTrue();
    }
  }

  @Test
  void thePageAsksNobodyElse() {
    Client.Answer page = client().get("/api-docs");
    assertThat(page.header("Content-Type")).startsWith("text/html");
    assertThat(page.header("Content-Security-Policy"))
        .contains("default-src 'none'")
        .contains("connect-src 'self'");
    assertThat(page.text())
        .contains("openapi.json")
        .doesNotContain("http://")
        .doesNotContain("https://");
  }
}
