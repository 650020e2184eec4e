package quartet.cluster.journal;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Prompts that are to be deleted from the database, and who waits for that. One batch at a time is
 * under way; what fails is due again.
 *
 * <p>Pure: nothing is deleted here. Thread: the journal's.
 */
final class Deletions {
  /** Doubtful prompts are added up to so many; further ones are left as they are. */
  private static final int MAX_DOUBTFUL = 100_000;

  private record Waiter(Set<String> remaining, Runnable then) {}

  private final Set<String> due = new LinkedHashSet<>();
  private final List<Waiter> waiters = new ArrayList<>();
  private Set<String> underWay = Set.of();

  /** To be deleted. */
  void add(String promptId) {
    due.add(promptId);
  }

  /** To be deleted because its storing failed, and it may be in the database all the same. */
  void addDoubtful(String promptId) {
    if (due.size() < MAX_DOUBTFUL) {
      due.add(promptId);
    }
  }

  /** Not to be deleted after all: it is to be stored anew. */
  void keep(String promptId) {
    due.remove(promptId);
  }

  /** Whether it is being deleted at this moment. */
  boolean isUnderWay(String promptId) {
    return underWay.contains(promptId);
  }

  /** Whether a batch could begin. */
  boolean canBegin() {
    return underWay.isEmpty() && !due.isEmpty();
  }

  /** All that is due is under way from now on. */
  Set<String> begin() {
    underWay = Set.copyOf(due);
    due.clear();
    return underWay;
  }

  /** What was under way is deleted; those who waited for the last of it hear that. */
  void succeeded() {
    Set<String> gone = underWay;
    underWay = Set.of();
    waiters.forEach(waiter -> waiter.remaining().removeAll(gone));
    waiters.removeIf(
        waiter -> {
          if (waiter.remaining().isEmpty()) {
            waiter.then().run();
            return true;
          }
          return false;
        });
  }

  /** What was under way is due again. */
  void failed() {
    due.addAll(underWay);
    underWay = Set.of();
  }

  /**
   * Calls back once when all of these prompts have been deleted; at once if there are none.
   *
   * @param then must not come back to this object
   */
  void whenGone(Set<String> promptIds, Runnable then) {
    if (promptIds.isEmpty()) {
      then.run();
    } else {
      waiters.add(new Waiter(new LinkedHashSet<>(promptIds), then));
    }
  }
}
