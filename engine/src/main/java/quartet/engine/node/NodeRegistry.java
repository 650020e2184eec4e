package quartet.engine.node;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** All node classes of this server, in the order they were registered. Immutable. */
public final class NodeRegistry {
  private final Map<String, Registered> nodes;

  private NodeRegistry(Map<String, Registered> nodes) {
    this.nodes = Collections.unmodifiableMap(nodes);
  }

  /** A node and its schema as this server shows it. */
  public record Registered(Node node, NodeSchema schema) {}

  /**
   * Takes the core pack and then the plug-ins; a plug-in never replaces a node that is already
   * there.
   *
   * @param rejected told about each node whose name is taken
   */
  public static NodeRegistry of(NodePack core, List<NodePack> plugIns, Consumer<String> rejected) {
    Map<String, Registered> all = new LinkedHashMap<>();
    for (Node node : core.nodes()) {
      NodeSchema schema = node.schema();
      if (all.put(schema.className(), new Registered(node, schema)) != null) {
        throw new IllegalArgumentException("two core nodes are called " + schema.className());
      }
    }
    for (NodePack pack : plugIns) {
      for (Registered found : nodesOf(pack, rejected)) {
        NodeSchema schema = found.schema();
        if (all.containsKey(schema.className())) {
          rejected.accept(
              "node '%s' of plug-in '%s' is left out: that name is taken"
                  .formatted(schema.className(), pack.name()));
        } else {
          all.put(schema.className(), found);
        }
      }
    }
    return new NodeRegistry(all);
  }

  /** A plug-in's nodes; one that cannot say what they are is left out whole. */
  private static List<Registered> nodesOf(NodePack pack, Consumer<String> rejected) {
    try {
      return pack.nodes().stream()
          .map(node -> new Registered(node, node.schema().inModule("custom_nodes." + pack.name())))
          .toList();
    } catch (RuntimeException | LinkageError e) {
      rejected.accept(
          "plug-in '%s' is left out: listing its nodes failed: %s"
              .formatted(pack.getClass().getName(), e));
      return List.of();
    }
  }

  /** A node by its {@code class_type}. */
  public Optional<Registered> find(String className) {
    return Optional.ofNullable(nodes.get(className));
  }

  /** All of them. */
  public Collection<Registered> all() {
    return nodes.values();
  }
}
