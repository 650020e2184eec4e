package quartet.engine.exec;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.graph.PlannedNode;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeSchema;

/**
 * The key of a node's outputs: its class, its change stamp, its constants, and the keys of
 * everything upstream. Node ids do not matter, so the same work under other ids is found, unless
 * the class asks for its id.
 */
final class CacheKeys {
  private CacheKeys() {}

  /**
   * A key for each node of the plan. Nodes stand in execution order, so upstream keys are there
   * first.
   */
  static Map<String, String> of(ExecutionPlan plan, NodeContext.Files files) {
    Map<String, String> keys = new HashMap<>();
    for (PlannedNode node : plan.nodes().values()) {
      Map<String, String> parts = new TreeMap<>();
      node.constants()
          .forEach(
              (name, value) -> parts.put(name, value.getClass().getSimpleName() + ":" + value));
      node.links()
          .forEach(
              (name, link) -> parts.put(name, "@" + keys.get(link.nodeId()) + "/" + link.slot()));
      StringBuilder text = new StringBuilder();
      append(text, node.className());
      append(text, stamp(node, files));
      boolean own = node.registered().schema().hidden().contains(NodeSchema.Hidden.UNIQUE_ID);
      append(text, own ? node.id() : "");
      parts.forEach(
          (name, value) -> {
            append(text, name);
            append(text, value);
          });
      keys.put(node.id(), sha256(text.toString()));
    }
    return keys;
  }

  /** A stamp that cannot be had makes a key that is never found again; the node itself will say. */
  private static String stamp(PlannedNode node, NodeContext.Files files) {
    try {
      return node.registered()
          .node()
          .changeStamp(new NodeInputs(node.constants()), files)
          .orElse("");
    } catch (RuntimeException e) {
      return UUID.randomUUID().toString();
    }
  }

  /** With its length before it, so that no value can be read as two. */
  private static void append(StringBuilder text, String part) {
    text.append(part.length()).append(':').append(part);
  }

  private static String sha256(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this JDK has no SHA-256", e);
    }
  }
}
