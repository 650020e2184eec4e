package quartet.api.telemetry;

import java.time.Instant;
import java.util.List;

/**
 * One prompt's way, after its end.
 *
 * @param nodes those that ran, in the order of their ends
 */
record PromptTrace(
    String promptId,
    int gpuId,
    Instant accepted,
    Instant started,
    Instant ended,
    String outcome,
    List<Span> nodes) {
  /** Copies the list. */
  PromptTrace {
    nodes = List.copyOf(nodes);
  }

  /** One node that ran. */
  record Span(String nodeId, String classType, Stage stage, Instant began, Instant ended) {}
}
