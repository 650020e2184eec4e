package quartet.engine.node;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Nodes that a running node puts in its own place. It makes them, connects them, and returns some
 * of their outputs as its own:
 *
 * <pre>{@code
 * Subgraph graph = new Subgraph();
 * Subgraph.Part blurred = graph.add("ImageBlur").set("image", inputs.get(IMAGE)).set("radius", 3);
 * return NodeResult.expanded(graph, blurred.out(0));
 * }</pre>
 *
 * <p>Their ids are {@code <parent>.<call>.0.<number>}. They are checked like a prompt's nodes when
 * the expansion is taken in; what is wrong fails the node that made it. Thread: the device's.
 */
public final class Subgraph {
  private final List<Part> parts = new ArrayList<>();

  /** An output of one of the nodes. */
  public record Out(String localId, int slot) {}

  /** One node and what its inputs get. */
  public static final class Part {
    private final String localId;
    private final String className;
    private final Map<String, Object> inputs = new LinkedHashMap<>();

    private Part(String localId, String className) {
      this.localId = localId;
      this.className = className;
    }

    /**
     * Gives an input its value.
     *
     * @param value a number, text or flag; an {@link Out} of this graph; or any value that a socket
     *     carries
     */
    public Part set(String input, Object value) {
      inputs.put(input, value);
      return this;
    }

    /** One of its outputs. */
    public Out out(int slot) {
      return new Out(localId, slot);
    }

    /** Unique within the graph. */
    public String localId() {
      return localId;
    }

    /** Its {@code class_type}. */
    public String className() {
      return className;
    }

    /** Values by input name. */
    public Map<String, Object> inputs() {
      return Collections.unmodifiableMap(inputs);
    }
  }

  /** One more node. */
  public Part add(String className) {
    Part part = new Part(Integer.toString(parts.size() + 1), className);
    parts.add(part);
    return part;
  }

  /** All nodes, in the order they were added. */
  public List<Part> parts() {
    return Collections.unmodifiableList(parts);
  }
}
