package quartet.cluster.node;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptEvent;

/**
 * Keeps a device's events in order while the end of a prompt is being stored: what the next prompt
 * does is told after that end, never before it.
 *
 * <p>Thread: the router's.
 */
final class EventOrder {
  private final Map<Integer, Deque<PromptEvent.OfPrompt>> held = new HashMap<>();

  /** From now on this device's events are held back. */
  void hold(int gpuId) {
    if (held.putIfAbsent(gpuId, new ArrayDeque<>()) != null) {
      throw new IllegalStateException("GPU " + gpuId + "'s events are held back already");
    }
  }

  /** Whether the event has to wait; it is kept then. */
  boolean keeps(int gpuId, PromptEvent.OfPrompt event) {
    Deque<PromptEvent.OfPrompt> waiting = held.get(gpuId);
    return waiting != null && waiting.add(event);
  }

  /** Ends the holding; the events that waited, oldest first. */
  Deque<PromptEvent.OfPrompt> release(int gpuId) {
    @Nullable Deque<PromptEvent.OfPrompt> waiting = held.remove(gpuId);
    return waiting == null ? new ArrayDeque<>() : waiting;
  }

  /** Whether no end is being stored. */
  boolean isEmpty() {
    return held.isEmpty();
  }
}
