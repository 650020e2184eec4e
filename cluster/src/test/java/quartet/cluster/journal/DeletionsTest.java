package quartet.cluster.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is due, what is under way, and who hears of it. */
final class DeletionsTest {
  private final Deletions deletions = new Deletions();
  private final List<String> heard = new ArrayList<>();

  @Test
  void oneBatchIsUnderWayAtATime() {
    assertThat(deletions.canBegin()).isFalse();
    deletions.add("a");
    deletions.addDoubtful("b");
    assertThat(deletions.begin()).containsExactlyInAnyOrder("a", "b");
    deletions.add("c");
    assertThat(deletions.isUnderWay("a")).isTrue();
    assertThat(deletions.isUnderWay("c")).isFalse();
    assertThat(deletions.canBegin()).as("a and b are under way").isFalse();
    deletions.succeeded();
    assertThat(deletions.isUnderWay("a")).isFalse();
    assertThat(deletions.begin()).containsExactly("c");
  }

  @Test
  void whatFailsIsDueAgain() {
    deletions.whenGone(Set.of("a"), () -> heard.add("gone"));
    deletions.add("a");
    deletions.begin();
    deletions.failed();
    assertThat(heard).isEmpty();
    assertThat(deletions.isUnderWay("a")).isFalse();
    assertThat(deletions.begin()).containsExactly("a");
    deletions.succeeded();
    assertThat(heard).containsExactly("gone");
  }

  @Test
  void whatIsStoredAnewIsNotDeleted() {
    deletions.add("a");
    deletions.keep("a");
    assertThat(deletions.canBegin()).isFalse();
  }

  @Test
  void whoWaitsHearsOnceAndAfterTheLastOne() {
    deletions.whenGone(Set.of("a", "b"), () -> heard.add("both"));
    deletions.whenGone(Set.of("b"), () -> heard.add("b"));
    deletions.whenGone(Set.of(), () -> heard.add("nothing"));
    assertThat(heard).containsExactly("nothing");
    for (String id : List.of("b", "a", "c")) {
      deletions.add(id);
      deletions.begin();
      deletions.succeeded();
    }
    assertThat(heard).containsExactly("nothing", "b", "both");
  }
}
