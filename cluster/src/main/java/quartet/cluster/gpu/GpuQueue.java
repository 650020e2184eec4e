package quartet.cluster.gpu;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptJob;

/**
 * The bounded queue of one device and the prompt it is working on. Outlives restarts of its actor,
 * so that a failure loses nothing.
 *
 * <p>Thread: the actor's.
 */
final class GpuQueue {
  /** A prompt that took its device down twice is not tried a third time. */
  private static final int MAX_ATTEMPTS = 2;

  private final int capacity;
  private final TreeSet<PromptJob> pending =
      new TreeSet<>(
          Comparator.comparingDouble(PromptJob::number)
              .thenComparing(PromptJob::accepted)
              .thenComparing(PromptJob::promptId));
  private @Nullable PromptJob running;
  private int attempts;

  GpuQueue(int capacity) {
    this.capacity = capacity;
  }

  /** Takes a prompt in, or refuses when full. The running one counts. */
  boolean offer(PromptJob job) {
    return waiting() < capacity && pending.add(job);
  }

  /** Takes a prompt in that has a right to its place. */
  void restore(PromptJob job) {
    pending.add(job);
  }

  /** The next prompt, now running; empty if one runs already or none waits. */
  Optional<PromptJob> start() {
    if (running != null || pending.isEmpty()) {
      return Optional.empty();
    }
    running = pending.pollFirst();
    attempts = 1;
    return Optional.ofNullable(running);
  }

  /** The running prompt has ended. */
  void finish() {
    running = null;
    attempts = 0;
  }

  /**
   * After a restart: the prompt that ran when the device failed, to be run again.
   *
   * @return empty if there was none or it was tried often enough; then {@link #finish} is due
   */
  Optional<PromptJob> retry() {
    if (running == null || attempts >= MAX_ATTEMPTS) {
      return Optional.empty();
    }
    attempts++;
    return Optional.of(running);
  }

  Optional<PromptJob> running() {
    return Optional.ofNullable(running);
  }

  List<PromptJob> pending() {
    return List.copyOf(pending);
  }

  /** Removes waiting prompts and says which. */
  List<PromptJob> remove(Set<String> promptIds) {
    List<PromptJob> removed = new ArrayList<>();
    for (PromptJob job : List.copyOf(pending)) {
      if (promptIds.contains(job.promptId())) {
        pending.remove(job);
        removed.add(job);
      }
    }
    return removed;
  }

  /** Removes all waiting prompts and says which. */
  List<PromptJob> clear() {
    List<PromptJob> removed = List.copyOf(pending);
    pending.clear();
    return removed;
  }

  /** Running and pending prompts. */
  int waiting() {
    return pending.size() + (running == null ? 0 : 1);
  }

  int capacity() {
    return capacity;
  }
}
