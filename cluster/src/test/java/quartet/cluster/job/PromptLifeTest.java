package quartet.cluster.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import quartet.engine.exec.ExecutionOutcome;

/** The fold over a prompt's facts. */
final class PromptLifeTest {
  private static final PromptFact.Queued QUEUED =
      new PromptFact.Queued(
          new PromptJob(
              "p",
              1,
              JsonNodeFactory.instance.objectNode(),
              JsonNodeFactory.instance.objectNode(),
              List.of("9"),
              null,
              Instant.EPOCH),
          null,
          Set.of(),
          1);
  private static final PromptFact.Ended ENDED =
      new PromptFact.Ended(1, new ExecutionOutcome.Succeeded(Map.of()), List.of("4"), 10, 20);

  private static PromptLife fold(PromptFact... facts) {
    PromptLife life = new PromptLife.Unknown();
    for (PromptFact fact : facts) {
      life = life.after(fact);
    }
    return life;
  }

  @Test
  void goesFromQueuedToItsEnd() {
    assertThat(fold(QUEUED)).isEqualTo(new PromptLife.Queued(QUEUED));
    assertThat(fold(QUEUED, new PromptFact.Placed(1)))
        .isEqualTo(new PromptLife.Placed(QUEUED, 1, 0));
    assertThat(fold(QUEUED, new PromptFact.Placed(1), new PromptFact.Started(1, 10)))
        .isEqualTo(new PromptLife.Running(QUEUED, 1, 1));
    assertThat(fold(QUEUED, new PromptFact.Placed(1), new PromptFact.Started(1, 10), ENDED))
        .isEqualTo(
            new PromptLife.Ended(
                QUEUED, new PromptRecord(QUEUED.job(), 1, ENDED.outcome(), List.of("4"), 10, 20)));
  }

  @Test
  void countsHowOftenItWasBegun() {
    assertThat(
            fold(
                QUEUED,
                new PromptFact.Placed(0),
                new PromptFact.Started(0, 1),
                new PromptFact.Placed(2),
                new PromptFact.Started(2, 5)))
        .isEqualTo(new PromptLife.Running(QUEUED, 2, 2));
  }

  @Test
  void anEndIsFinalAndARepeatedFactBringsNothing() {
    PromptLife ended = fold(QUEUED, new PromptFact.Placed(1), ENDED);
    assertThat(ended.takes(QUEUED)).isFalse();
    assertThat(ended.takes(ENDED)).isFalse();
    assertThat(ended.after(new PromptFact.Started(1, 1))).isEqualTo(ended);
    PromptLife placed = fold(QUEUED, new PromptFact.Placed(1));
    assertThat(placed.takes(QUEUED)).isFalse();
    assertThat(placed.takes(new PromptFact.Placed(1))).isFalse();
    assertThat(placed.takes(new PromptFact.Placed(2))).isTrue();
    assertThat(new PromptLife.Unknown().takes(ENDED)).isFalse();
  }

  @Test
  void whatMakesNoSenseIsSetAsideForGood() {
    assertThat(fold(ENDED))
        .isInstanceOfSatisfying(
            PromptLife.SetAside.class,
            aside -> assertThat(aside.reason()).contains("first entry is missing"));
    PromptLife aside = fold(QUEUED, new PromptFact.Unreadable("version 9"), ENDED);
    assertThat(aside).isEqualTo(new PromptLife.SetAside("version 9"));
    assertThat(aside.takes(ENDED)).isFalse();
  }
}
