package quartet.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import quartet.testkit.Goldens;

final class ClipTokenizerTest {
  private final ClipTokenizer tokenizer = ClipTokenizer.load();

  @Test
  void everyGoldenPromptHasTheExpectedIdsAndWeights() {
    int compared = 0;
    for (JsonNode entry : Goldens.json("clip_tokens").get("cases")) {
      String prompt = entry.get("prompt").asText();
      List<TokenChunk> chunks = tokenizer.tokenize(prompt);
      assertThat(chunks).as(prompt).hasSize(entry.get("chunks").size());
      for (int c = 0; c < chunks.size(); c++) {
        JsonNode expected = entry.get("chunks").get(c);
        for (int i = 0; i < ClipTokenizer.WINDOW; i++) {
          assertThat(chunks.get(c).ids()[i])
              .as("%s [%d][%d]", prompt, c, i)
              .isEqualTo(expected.get("ids").get(i).intValue());
          assertThat(chunks.get(c).weights()[i])
              .as("%s [%d][%d]", prompt, c, i)
              .isEqualTo(expected.get("weights").get(i).doubleValue());
        }
      }
      compared++;
    }
    assertThat(compared).isEqualTo(13);
  }

  @Test
  void theEmptyPromptIsStartAndEnd() {
    TokenChunk chunk = tokenizer.tokenize("").getFirst();
    assertThat(chunk.ids()).startsWith(49406, 49407, 49407).hasSize(77);
    assertThat(chunk.isWeighted()).isFalse();
    assertThat(ClipTokenizer.empty().ids()).containsExactly(chunk.ids());
  }

  @Test
  void theLocaleDoesNotMatter() {
    List<TokenChunk> expected = tokenizer.tokenize("TITLE ISTANBUL (I:1.5)");
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.forLanguageTag("tr-TR"));
      List<TokenChunk> actual = ClipTokenizer.load().tokenize("TITLE ISTANBUL (I:1.5)");
      assertThat(actual.getFirst().ids()).containsExactly(expected.getFirst().ids());
      assertThat(actual.getFirst().weights()).containsExactly(expected.getFirst().weights());
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void longTextAndLongWordsEnd() {
    assertThat(tokenizer.tokenize("a cat, ".repeat(20_000))).hasSize(800);
    assertThat(tokenizer.tokenize("abcdefghij".repeat(100_000)).size()).isGreaterThan(100);
    assertThat(tokenizer.tokenize("(".repeat(100_000) + "x" + ")".repeat(100_000))).isNotEmpty();
  }

  @Test
  void threadsShareOneTokenizer() {
    int[] expected = tokenizer.tokenize("an astronaut riding a horse").getFirst().ids();
    ClipTokenizer fresh = ClipTokenizer.load();
    assertThat(
            IntStream.range(0, 64)
                .parallel()
                .mapToObj(i -> fresh.tokenize("an astronaut riding a horse").getFirst().ids())
                .allMatch(ids -> Arrays.equals(ids, expected)))
        .isTrue();
  }
}
