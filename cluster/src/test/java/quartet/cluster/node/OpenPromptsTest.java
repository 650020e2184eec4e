package quartet.cluster.node;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptJob;

/** Counts of open prompts, and when two requests are the same. */
final class OpenPromptsTest {
  private static PromptJob job(String id, ObjectNode prompt) {
    return new PromptJob(
        id, 1, prompt, JsonNodeFactory.instance.objectNode(), List.of("9"), null, Instant.EPOCH);
  }

  @Test
  void aPromptCountsForItsDeviceUntilItIsRemoved() {
    OpenPrompts open = new OpenPrompts();
    PromptFact.Queued entry =
        new PromptFact.Queued(job("a", JsonNodeFactory.instance.objectNode()), 2, Set.of(), 0);
    OpenPrompts.Open one = new OpenPrompts.Open(entry);
    open.add(one);
    assertThat(open.pinnedTo(2)).isEqualTo(1);
    open.change(one, entry.moved(new PromptFact.Moved(1, 5, 0)));
    assertThat(open.pinnedTo(2)).isZero();
    assertThat(open.pinnedTo(1)).isEqualTo(1);
    open.remove("a");
    open.remove("a");
    assertThat(open.pinnedTo(1)).isZero();
    assertThat(open.size()).isZero();
  }

  @Test
  void orderOfKeysAndWidthOfNumbersDoNotMakeAnotherPrompt() {
    ObjectNode known = JsonNodeFactory.instance.objectNode().put("a", 1L).put("b", 2.5);
    ObjectNode same = JsonNodeFactory.instance.objectNode().put("b", 2.5).put("a", 1);
    ObjectNode other = JsonNodeFactory.instance.objectNode().put("b", 2.5).put("a", 2);
    assertThat(OpenPrompts.same(job("x", known), same, List.of("9"))).isTrue();
    assertThat(OpenPrompts.same(job("x", known), other, List.of("9"))).isFalse();
    assertThat(OpenPrompts.same(job("x", known), same, List.of("8"))).isFalse();
  }
}
