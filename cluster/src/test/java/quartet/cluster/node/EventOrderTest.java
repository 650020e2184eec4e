package quartet.cluster.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;

/** Who is heard when, on one device. */
final class EventOrderTest {
  private final EventOrder order = new EventOrder();
  private final List<String> heard = new ArrayList<>();

  private static PromptEvent.OfPrompt event(String promptId, String node) {
    return new PromptEvent.NodeStarted(
        new PromptJob(
            promptId,
            0,
            JsonNodeFactory.instance.objectNode(),
            JsonNodeFactory.instance.objectNode(),
            List.of(),
            null,
            Instant.EPOCH),
        node);
  }

  private void happens(String promptId, String node) {
    offer(event(promptId, node));
  }

  private void offer(PromptEvent.OfPrompt event) {
    if (!order.keeps(0, event)) {
      heard.add(event.job().promptId() + ((PromptEvent.NodeStarted) event).nodeId());
    }
  }

  private void endIsStored(String promptId) {
    order.release(0, promptId).forEach(this::offer);
  }

  @Test
  void whatTheNextOneDoesWhileTheFirstIsSavedIsHeardAfterTheFirstOnesEndIsStored() {
    happens("a", "1");
    order.left(0, "a");
    happens("b", "1");
    happens("a", "2");
    order.left(0, "b");
    happens("c", "1");
    happens("b", "2");
    happens("a", "3");
    assertThat(heard).containsExactly("a1", "a2", "a3");
    order.hold(0);
    happens("b", "3");
    assertThat(order.isEmpty()).isFalse();
    endIsStored("a");
    assertThat(heard).containsExactly("a1", "a2", "a3", "b1", "b2", "b3");
    order.hold(0);
    endIsStored("b");
    happens("c", "2");
    assertThat(heard).endsWith("b3", "c1", "c2");
    assertThat(order.isEmpty()).isTrue();
  }

  @Test
  void whatWasTakenBackIsNotHeardOf() {
    order.left(0, "a");
    happens("b", "1");
    order.takenBack(0, "b").forEach(this::offer);
    happens("a", "1");
    order.hold(0);
    endIsStored("a");
    assertThat(heard).containsExactly("a1");
  }

  @Test
  void onesThatHangOrGoOnElsewhereHoldNobodyBack() {
    order.left(0, "hangs");
    order.left(0, "too large");
    happens("b", "1");
    order.takenBack(0, "hangs").forEach(this::offer);
    assertThat(heard).isEmpty();
    order.goesOn(0, "too large").forEach(this::offer);
    happens("b", "2");
    assertThat(heard).containsExactly("b1", "b2");
  }

  @Test
  void twoEndsOfOneDeviceAreNeverStoredAtOnce() {
    order.hold(0);
    assertThatThrownBy(() -> order.hold(0)).isInstanceOf(IllegalStateException.class);
    order.hold(1);
  }
}
