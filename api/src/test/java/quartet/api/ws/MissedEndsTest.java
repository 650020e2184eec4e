package quartet.api.ws;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import quartet.api.wire.EventJson;
import quartet.api.wire.Json;
import quartet.api.ws.Outgoing.Rank;

/** What a client hears of prompts that ended before it connected. */
final class MissedEndsTest {
  private final MissedEnds missed = new MissedEnds();

  private static Outgoing message(Rank rank, String key) {
    return Outgoing.event(rank, key, EventJson.event("executed", Json.object()));
  }

  private List<String> told(String sid, long nowMillis) {
    return missed.take(sid, nowMillis).stream().map(Outgoing::key).toList();
  }

  @Test
  void resultsAndEndsAreToldOnceAndInOrder() {
    missed.keep("a", message(Rank.END, "executed"), 0);
    missed.keep("a", message(Rank.STORY, "executing"), 1);
    missed.keep("a", message(Rank.FIGURE, "progress"), 2);
    missed.keep("a", message(Rank.END, "success"), 3);
    assertThat(told("b", 4)).isEmpty();
    assertThat(told("a", 4)).containsExactly("executed", "success");
    assertThat(told("a", 4)).isEmpty();
  }

  @Test
  void whatIsOldIsNotTold() {
    missed.keep("a", message(Rank.END, "old"), 0);
    missed.keep("a", message(Rank.END, "new"), MissedEnds.KEPT_MILLIS);
    assertThat(told("a", MissedEnds.KEPT_MILLIS + 1)).containsExactly("new");
  }

  @Test
  void theirNumberIsBounded() {
    for (int i = 0; i < 3 * MissedEnds.PER_CLIENT; i++) {
      missed.keep("a", message(Rank.END, "n" + i), 0);
    }
    assertThat(told("a", 0))
        .hasSize(MissedEnds.PER_CLIENT)
        .endsWith("n" + (3 * MissedEnds.PER_CLIENT - 1));
    for (int i = 0; i < 2 * MissedEnds.CLIENTS; i++) {
      missed.keep("client" + i, message(Rank.END, "end"), 0);
    }
    assertThat(told("client0", 0)).isEmpty();
    assertThat(told("client" + (2 * MissedEnds.CLIENTS - 1), 0)).containsExactly("end");
  }
}
