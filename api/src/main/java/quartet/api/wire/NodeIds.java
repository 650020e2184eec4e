package quartet.api.wire;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * A node's id and those of the nodes it stands for. Nodes of an expansion are called {@code
 * <parent>.<call>.<graph>.<number>}; people see the node of their prompt.
 *
 * @param node the node itself
 * @param parent the node that put it in its place, or null
 * @param real the node of the prompt; also the one to display
 */
public record NodeIds(String node, @Nullable String parent, String real) {
  private static final int PARTS_BELOW_PARENT = 3;

  /** By the nodes of the prompt. */
  public static NodeIds of(JsonNode prompt, String id) {
    @Nullable String parent = prompt.has(id) ? null : above(id);
    String real = id;
    for (@Nullable String next = parent;
        next != null;
        next = prompt.has(next) ? null : above(next)) {
      real = next;
    }
    return new NodeIds(id, parent, real);
  }

  private static @Nullable String above(String id) {
    int end = id.length();
    for (int i = 0; i < PARTS_BELOW_PARENT && end > 0; i++) {
      end = id.lastIndexOf('.', end - 1);
    }
    return end > 0 ? id.substring(0, end) : null;
  }

  /** Writes {@code parentKey} as null where there is no parent. */
  public void parentInto(ObjectNode json, String parentKey) {
    if (parent == null) {
      json.putNull(parentKey);
    } else {
      json.put(parentKey, parent);
    }
  }
}
