package quartet.cluster.queue;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What people ask for: another place for a prompt that waits. Nothing is changed here; each answer
 * is the prompt as it has to be queued instead, or empty if it does not wait.
 *
 * <p>A prompt's place is its client's turn, its rank, and its number within that. Numbers are real,
 * so that there is always one between two others.
 */
record Reordering(Backlog waiting) {
  /** On another device, or on any with null. */
  Optional<Waiting> move(String promptId, @Nullable Integer gpuId) {
    return waiting.find(promptId).map(one -> one.pinned(gpuId));
  }

  /** With another rank. */
  Optional<Waiting> rank(String promptId, int rank) {
    return waiting.find(promptId).map(one -> one.at(one.client(), rank, one.number()));
  }

  /** Before everybody's. */
  Optional<Waiting> toFront(String promptId) {
    double first = waiting.all().stream().mapToDouble(Waiting::number).min().orElse(0);
    return waiting
        .find(promptId)
        .map(one -> one.at(one.client(), Waiting.FRONT, Math.min(first, 0) - 1));
  }

  /** Behind all others of its client, with no rank. */
  Optional<Waiting> toBack(String promptId) {
    return waiting.find(promptId).map(one -> one.at(one.client(), 0, lastNumber(one) + 1));
  }

  private double lastNumber(Waiting one) {
    return waiting.of(one.client()).stream()
        .mapToDouble(Waiting::number)
        .max()
        .orElse(one.number());
  }

  /**
   * Right before another waiting prompt, with its client's turn and rank.
   *
   * @return empty if one of the two does not wait
   */
  Optional<Waiting> before(String promptId, String other) {
    Waiting target = waiting.find(other).orElse(null);
    if (target == null || other.equals(promptId)) {
      return Optional.empty();
    }
    double lower = target.number() - 1;
    for (Waiting one : waiting.of(target.client())) {
      if (one.rank() == target.rank()
          && one.number() < target.number()
          && !one.promptId().equals(promptId)) {
        lower = Math.max(lower, one.number());
      }
    }
    double number = (lower + target.number()) / 2;
    return waiting.find(promptId).map(one -> one.at(target.client(), target.rank(), number));
  }
}
