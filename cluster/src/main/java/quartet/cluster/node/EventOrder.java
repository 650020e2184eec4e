package quartet.cluster.node;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import quartet.cluster.job.PromptEvent;

/**
 * Keeps a device's prompts apart for whoever watches: what the next prompt does is told after the
 * end of the one before has been stored, never before it, although the device begins the next one
 * while the one before is still saved.
 *
 * <p>Thread: the router's.
 */
final class EventOrder {
  /** One device. */
  private static final class Line {
    /**
     * Prompts that have left the device and whose end has not been stored; the first one speaks.
     */
    final Deque<String> leaving = new ArrayDeque<>();

    final Deque<PromptEvent.OfPrompt> waiting = new ArrayDeque<>();

    /** Whether an end is being stored; then nobody speaks. */
    boolean storing;

    boolean lets(String promptId) {
      return !storing && (leaving.isEmpty() || promptId.equals(leaving.peek()));
    }
  }

  private final Map<Integer, Line> lines = new HashMap<>();

  private Line line(int gpuId) {
    return lines.computeIfAbsent(gpuId, id -> new Line());
  }

  /** A prompt has left its device: until its end is stored, the next one's events are held back. */
  void left(int gpuId, String promptId) {
    line(gpuId).leaving.add(promptId);
  }

  /** An end is being stored: from now on all of this device's events are held back. */
  void hold(int gpuId) {
    Line line = line(gpuId);
    if (line.storing) {
      throw new IllegalStateException("GPU " + gpuId + "'s events are held back already");
    }
    line.storing = true;
  }

  /** Whether the event has to wait; it is kept then. */
  boolean keeps(int gpuId, PromptEvent.OfPrompt event) {
    Line line = lines.get(gpuId);
    return line != null && !line.lets(event.job().promptId()) && line.waiting.add(event);
  }

  /** A prompt's end is stored; the events that waited, oldest first, to be offered again. */
  Deque<PromptEvent.OfPrompt> release(int gpuId, String promptId) {
    line(gpuId).storing = false;
    return goesOn(gpuId, promptId);
  }

  /**
   * A prompt does nothing more on this device and has not ended; the events that waited, oldest
   * first, to be offered again.
   */
  Deque<PromptEvent.OfPrompt> goesOn(int gpuId, String promptId) {
    Line line = line(gpuId);
    line.leaving.removeFirstOccurrence(promptId);
    Deque<PromptEvent.OfPrompt> waited = new ArrayDeque<>(line.waiting);
    line.waiting.clear();
    if (!line.storing && line.leaving.isEmpty()) {
      lines.remove(gpuId);
    }
    return waited;
  }

  /** The same of a prompt that will run again: of what it did nobody hears. */
  Deque<PromptEvent.OfPrompt> takenBack(int gpuId, String promptId) {
    line(gpuId).waiting.removeIf(event -> event.job().promptId().equals(promptId));
    return goesOn(gpuId, promptId);
  }

  /** Whether no end is being stored. */
  boolean isEmpty() {
    return lines.values().stream().noneMatch(line -> line.storing);
  }
}
