package quartet.engine.node;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a node hands on.
 *
 * @param outputs one value per output slot: the slot's Java type, a {@code List} of it where the
 *     slot is declared as a list, {@link Blocked}, or an {@link Subgraph.Out} of the expansion
 * @param ui what clients are shown ({@code {"images": […]}}), or null
 * @param expansion nodes that do the rest of the work, or null
 */
public record NodeResult(
    List<Object> outputs, @Nullable ObjectNode ui, @Nullable Subgraph expansion) {
  /** Copies the list. */
  public NodeResult {
    outputs = List.copyOf(outputs);
  }

  /** Values and something to see. */
  public NodeResult(List<Object> outputs, @Nullable ObjectNode ui) {
    this(outputs, ui, null);
  }

  /** Values for the next nodes. */
  public static NodeResult of(Object... outputs) {
    return new NodeResult(List.of(outputs), null);
  }

  /** Something for people to see, and no values. */
  public static NodeResult shown(ObjectNode ui) {
    return new NodeResult(List.of(), ui);
  }

  /** Other nodes in its place; outputs may be values or {@link Subgraph.Out}s. */
  public static NodeResult expanded(Subgraph graph, Object... outputs) {
    return new NodeResult(List.of(outputs), null, graph);
  }

  /** Every output blocked. */
  public static NodeResult blocked(NodeSchema schema, Blocked why) {
    return new NodeResult(Collections.nCopies(schema.outputs().size(), why), null);
  }
}
