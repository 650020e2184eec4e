package quartet.cluster.queue;

import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/**
 * What waits, in the order of its turns, and the counts that answer the frequent questions without
 * a look at each prompt: who may run anywhere, who has a deadline, who was overtaken how often.
 *
 * <p>Thread: the queue's.
 */
final class Backlog {
  private final FairQueue waiting = new FairQueue();
  private final ToDoubleFunction<Waiting> cost;
  private final Map<Integer, Integer> pinnedCounts = new HashMap<>();
  private final Map<String, Integer> overtaken = new HashMap<>();
  private int withDeadline;

  /**
   * Nothing waits.
   *
   * @param cost seconds that a prompt takes of its client's share
   */
  Backlog(ToDoubleFunction<Waiting> cost) {
    this.cost = cost;
  }

  /** A prompt waits from now on; one with the same id is replaced. */
  void add(Waiting one) {
    remove(one.promptId());
    waiting.add(one);
    count(one, 1);
  }

  /** A prompt does not wait any more, and was not served. */
  Optional<Waiting> remove(String promptId) {
    Waiting one = waiting.remove(promptId);
    overtaken.remove(promptId);
    if (one != null) {
      count(one, -1);
    }
    return Optional.ofNullable(one);
  }

  /** All prompts that match are taken out. */
  List<Waiting> removeIf(Predicate<Waiting> which) {
    List<Waiting> gone = waiting.all().stream().filter(which).toList();
    gone.forEach(one -> remove(one.promptId()));
    return gone;
  }

  /** Prompts that should have started by now; they are taken out. */
  List<Waiting> removeExpired(long nowMillis) {
    return withDeadline == 0
        ? List.of()
        : removeIf(one -> one.deadlineMillis() != null && one.deadlineMillis() < nowMillis);
  }

  /** A prompt gets its turn: it leaves, and its client pays. */
  void serve(Waiting one) {
    waiting.serve(one, cost(one));
    overtaken.remove(one.promptId());
    count(one, -1);
  }

  private void count(Waiting one, int by) {
    if (one.pinnedTo() != null) {
      pinnedCounts.merge(one.pinnedTo(), by, Integer::sum);
    }
    if (one.deadlineMillis() != null) {
      withDeadline += by;
    }
  }

  /** A later prompt got a device that this one did not take. */
  void overtake(Waiting one) {
    overtaken.merge(one.promptId(), 1, Integer::sum);
  }

  /** How often that has happened to it. */
  int timesOvertaken(Waiting one) {
    return overtaken.getOrDefault(one.promptId(), 0);
  }

  /** Seconds that a prompt takes of its client's share, wherever it runs. */
  double cost(Waiting one) {
    return cost.applyAsDouble(one);
  }

  /** The order of the turns as it looks now; nothing may be added or taken out meanwhile. */
  Iterator<Waiting> turns() {
    return waiting.turns(cost);
  }

  /** How many wait. */
  int size() {
    return waiting.size();
  }

  /** How many wait that name no device. */
  int unpinned() {
    return waiting.size() - pinnedCounts.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** Whether prompts wait that name this device. */
  boolean namesGpu(int gpuId) {
    return pinnedCounts.getOrDefault(gpuId, 0) > 0;
  }

  /** A waiting prompt. */
  Optional<Waiting> find(String promptId) {
    return waiting.find(promptId);
  }

  /** All that wait, in no order. */
  Collection<Waiting> all() {
    return waiting.all();
  }

  /** Prompts of one client, first one first. */
  List<Waiting> of(String client) {
    return waiting.of(client);
  }
}
