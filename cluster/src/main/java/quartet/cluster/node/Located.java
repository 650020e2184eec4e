package quartet.cluster.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.cluster.gpu.GpuReport;
import quartet.cluster.job.PromptEvent;
import quartet.engine.exec.ExecutionOutcome;

/**
 * Where pictures are, said in a way that ComfyUI's clients pass on: a picture on server b has the
 * subfolder {@code @b}, or {@code @b/portraits}. Two servers count their pictures alike, so names
 * alone would be ambiguous. Pure.
 */
public final class Located {
  /** Before a server's name. */
  public static final String MARK = "@";

  private Located() {}

  /** Where a file is: on which server, or null for this one, and in which subfolder there. */
  public record Place(@Nullable String node, String subfolder) {}

  /** Reads a subfolder. */
  public static Place place(String subfolder) {
    if (!subfolder.startsWith(MARK)) {
      return new Place(null, subfolder);
    }
    int end = subfolder.indexOf('/');
    return end < 0
        ? new Place(subfolder.substring(1), "")
        : new Place(subfolder.substring(1, end), subfolder.substring(end + 1));
  }

  /** What a device of this server tells, with its pictures' places. */
  static GpuReport on(@Nullable String node, GpuReport report) {
    if (node == null) {
      return report;
    }
    if (report instanceof GpuReport.Finished finished) {
      PromptEvent.Ended end = finished.end();
      return new GpuReport.Finished(
          finished.gpuId(),
          new PromptEvent.Ended(
              end.job(), end.gpuId(), on(node, end.outcome()), end.timestampMillis()),
          finished.figures());
    }
    if (report instanceof GpuReport.Happened happened
        && happened.event() instanceof PromptEvent.NodeFinished done
        && done.ui() != null) {
      return new GpuReport.Happened(
          happened.gpuId(),
          new PromptEvent.NodeFinished(
              done.job(), done.nodeId(), on(node, done.ui()), done.cached()));
    }
    return report;
  }

  /** An outcome, with the places of its files. */
  static ExecutionOutcome on(@Nullable String node, ExecutionOutcome outcome) {
    if (node == null) {
      return outcome;
    }
    Map<String, ObjectNode> shown = new LinkedHashMap<>();
    outcome.shown().forEach((id, ui) -> shown.put(id, on(node, ui)));
    return switch (outcome) {
      case ExecutionOutcome.Succeeded ignored -> new ExecutionOutcome.Succeeded(shown);
      case ExecutionOutcome.Failed failed ->
          new ExecutionOutcome.Failed(
              shown,
              failed.nodeId(),
              failed.nodeType(),
              failed.kind(),
              failed.message(),
              failed.exceptionType(),
              failed.traceback(),
              failed.executed(),
              failed.currentInputs());
      case ExecutionOutcome.Interrupted stopped ->
          new ExecutionOutcome.Interrupted(
              shown, stopped.nodeId(), stopped.nodeType(), stopped.executed());
    };
  }

  /** A node's output, with the places of its files. */
  static ObjectNode on(String node, ObjectNode ui) {
    ObjectNode marked = ui.deepCopy();
    for (JsonNode list : marked) {
      for (JsonNode item : list) {
        if (item instanceof ObjectNode file && file.path("filename").isTextual()) {
          String subfolder = file.path("subfolder").asText();
          if (!subfolder.startsWith(MARK)) {
            file.put("subfolder", MARK + node + (subfolder.isEmpty() ? "" : "/" + subfolder));
          }
        }
      }
    }
    return marked;
  }
}
