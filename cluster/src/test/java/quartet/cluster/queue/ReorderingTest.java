package quartet.cluster.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import quartet.cluster.placement.PromptWork;

/** Where a prompt goes that somebody wants elsewhere. */
final class ReorderingTest {
  private final Backlog waiting = new Backlog(one -> 1);
  private final Reordering reordering = new Reordering(waiting);

  ReorderingTest() {
    waiting.add(prompt("a1", "alice", 0, 1));
    waiting.add(prompt("a2", "alice", 0, 2));
    waiting.add(prompt("a3", "alice", 5, 3));
    waiting.add(prompt("b4", "bob", 0, 4));
  }

  private static Waiting prompt(String id, String client, int rank, double number) {
    return new Waiting(id, client, rank, number, 0, null, null, PromptWork.NONE);
  }

  @Test
  void theFrontIsBeforeEveryNumberAndEveryRankOfClients() {
    assertPlace(reordering.toFront("b4"), "bob", Waiting.FRONT, -1);
    waiting.add(prompt("first", "bob", Waiting.FRONT, -7));
    assertPlace(reordering.toFront("b4"), "bob", Waiting.FRONT, -8);
  }

  @Test
  void theBackIsBehindItsOwnClientsPromptsOnly() {
    assertPlace(reordering.toBack("a3"), "alice", 0, 4);
    assertPlace(reordering.toBack("a1"), "alice", 0, 4);
  }

  @Test
  void beforeAnotherIsBetweenItAndItsPredecessorWithItsClientAndRank() {
    assertPlace(reordering.before("b4", "a2"), "alice", 0, 1.5);
    assertPlace(reordering.before("b4", "a1"), "alice", 0, 0.5);
    assertPlace(reordering.before("a1", "a3"), "alice", 5, 2.5);
  }

  @Test
  void itsOwnOldPlaceDoesNotCountAsThePredecessor() {
    assertPlace(reordering.before("a1", "a2"), "alice", 0, 1.5);
  }

  @Test
  void whatDoesNotWaitHasNoPlaceAndNobodyIsBeforeHimself() {
    assertThat(reordering.before("a1", "a1")).isEmpty();
    assertThat(reordering.before("a1", "gone")).isEmpty();
    assertThat(reordering.before("gone", "a1")).isEmpty();
    for (Optional<Waiting> changed :
        List.of(
            reordering.move("gone", 0),
            reordering.rank("gone", 1),
            reordering.toFront("gone"),
            reordering.toBack("gone"))) {
      assertThat(changed).isEmpty();
    }
  }

  @Test
  void nothingIsChangedByAsking() {
    reordering.toFront("b4");
    reordering.before("a1", "b4");
    assertThat(waiting.find("b4")).contains(prompt("b4", "bob", 0, 4));
    assertThat(waiting.find("a1")).contains(prompt("a1", "alice", 0, 1));
  }

  private static void assertPlace(
      Optional<Waiting> changed, String client, int rank, double number) {
    assertThat(changed)
        .map(one -> List.of(one.client(), one.rank(), one.number()))
        .contains(List.of(client, rank, number));
  }
}
