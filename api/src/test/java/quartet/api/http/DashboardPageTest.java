package quartet.api.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import quartet.api.wire.Json;

/** The built-in page's files fit each other: modules, words in both languages, ids. */
final class DashboardPageTest {
  private static final Pattern IMPORT = Pattern.compile("from '\\./([^']+)'");
  private static final Pattern WORD = Pattern.compile("\\bt\\('([^']+)'");
  private static final Pattern WORD_OF_PAGE = Pattern.compile("data-t(?:-label)?=\"([^\"]+)\"");
  private static final Pattern PLACEHOLDER = Pattern.compile("\\{(\\w+)}");
  private static final Pattern ID = Pattern.compile("\\$\\('([^']+)'\\)");
  private static final Pattern OUTSIDE =
      Pattern.compile("(?:src|href|url\\(|fetch\\()[='\"(]*https?://");

  private static String file(String name) {
    String place = "/quartet/page/" + (name.equals("index.html") ? name : "dashboard/" + name);
    try (InputStream in = DashboardPageTest.class.getResourceAsStream(place)) {
      assertThat(in).as(place).isNotNull();
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static List<String> all() {
    List<String> all = new ArrayList<>(DashboardRoutes.MODULES);
    all.add("index.html");
    return all;
  }

  private static Set<String> found(Pattern pattern, String text) {
    Set<String> found = new TreeSet<>();
    Matcher matcher = pattern.matcher(text);
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }

  private static ObjectNode dictionary(String name) throws IOException {
    String text = file(name);
    String json = text.substring(text.indexOf('{'), text.lastIndexOf('}') + 1);
    return (ObjectNode) Json.parse(json.getBytes(StandardCharsets.UTF_8));
  }

  private static Set<String> keys(ObjectNode dictionary) {
    Set<String> keys = new TreeSet<>();
    dictionary.fieldNames().forEachRemaining(keys::add);
    return keys;
  }

  @Test
  void bothLanguagesHaveEveryWordWithTheSamePlaceholders() throws IOException {
    ObjectNode english = dictionary("en.js");
    ObjectNode chinese = dictionary("zh.js");
    assertThat(keys(chinese)).isEqualTo(keys(english));
    for (String key : keys(english)) {
      JsonNode words = chinese.path(key);
      assertThat(words.asText()).as(key).isNotBlank();
      assertThat(found(PLACEHOLDER, words.asText()))
          .as(key)
          .isEqualTo(found(PLACEHOLDER, english.path(key).asText()));
    }
  }

  @Test
  void everyWordThatTheScriptsAskForIsThere() throws IOException {
    Set<String> known = keys(dictionary("en.js"));
    for (String name : all()) {
      assertThat(known).as(name).containsAll(found(WORD, file(name)));
      assertThat(known).as(name).containsAll(found(WORD_OF_PAGE, file(name)));
    }
    for (String state : List.of("idle", "running", "paused", "pausing", "unhealthy")) {
      assertThat(known).contains("state." + state);
    }
  }

  @Test
  void everyModuleThatIsImportedIsServedAndEveryServedOneIsUsed() {
    Set<String> used = new TreeSet<>(Set.of("app.js", "style.css"));
    for (String name : DashboardRoutes.MODULES) {
      used.addAll(found(IMPORT, file(name)));
    }
    assertThat(used).containsExactlyInAnyOrderElementsOf(DashboardRoutes.MODULES);
  }

  @Test
  void everyElementThatTheScriptsNameIsInThePage() {
    String page = file("index.html");
    Set<String> made = Set.of("before", "after");
    for (String name : DashboardRoutes.MODULES) {
      for (String id : found(ID, file(name))) {
        assertThat(page.contains("id=\"" + id + "\"") || made.contains(id))
            .as("%s names #%s", name, id)
            .isTrue();
      }
    }
  }

  @Test
  void nothingComesFromAnotherServer() {
    for (String name : all()) {
      assertThat(OUTSIDE.matcher(file(name)).find()).as(name).isFalse();
    }
  }
}
