package quartet.engine.node;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a node hands on.
 *
 * @param outputs one value per output slot
 * @param ui what clients are shown ({@code {"images": […]}}), or null
 */
public record NodeResult(List<Object> outputs, @Nullable ObjectNode ui) {
  /** Copies the list. */
  public NodeResult {
    outputs = List.copyOf(outputs);
  }

  /** Values for the next nodes. */
  public static NodeResult of(Object... outputs) {
    return new NodeResult(List.of(outputs), null);
  }

  /** Something for people to see, and no values. */
  public static NodeResult shown(ObjectNode ui) {
    return new NodeResult(List.of(), ui);
  }
}
