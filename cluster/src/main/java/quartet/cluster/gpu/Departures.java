package quartet.cluster.gpu;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Prompts that have left the device and were not told to have ended, in the order of their starts.
 * Their ends may come in any order and are told in this one.
 *
 * <p>Thread: the actor's.
 */
final class Departures {
  private final Deque<GpuRun> inOrder = new ArrayDeque<>();

  /** A prompt has left the device. */
  void add(GpuRun left) {
    inOrder.add(left);
  }

  boolean isEmpty() {
    return inOrder.isEmpty();
  }

  /** Takes out the next end to be told; null while the first one has not ended. */
  GpuRun.@Nullable End nextEnd() {
    GpuRun first = inOrder.peek();
    GpuRun.End end = first == null ? null : first.end();
    if (end != null) {
      inOrder.remove();
    }
    return end;
  }

  /**
   * Those that hang.
   *
   * @param stuckAfter silence that is always allowed
   */
  List<GpuRun> hanging(Duration stuckAfter) {
    return inOrder.stream().filter(run -> run.end() == null && run.stuck(stuckAfter)).toList();
  }

  /** Nobody waits for this one any more. */
  void giveUp(GpuRun hangs) {
    inOrder.remove(hangs);
  }

  void cancel(String promptId) {
    inOrder.stream().filter(run -> run.is(promptId)).forEach(GpuRun::cancel);
  }

  void cancelAll() {
    inOrder.forEach(GpuRun::cancel);
  }
}
