package quartet.api.wire;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import quartet.cluster.fleet.NodeState;
import quartet.cluster.placement.GpuOutlook;
import quartet.cluster.placement.NodeOutlook;

/** The servers of a cluster as {@code /cluster} shows them. */
public final class ClusterJson {
  private static final double TENTHS = 10;

  private ClusterJson() {}

  /**
   * {@code {"self": NAME, "nodes": [{"name", "address", "status", "version", "roles", "gpus",
   * "queue", "last_seen_seconds"}]}}.
   *
   * @param version of this server's product
   */
  public static ObjectNode of(String self, String version, List<NodeState> nodes) {
    ObjectNode json = Json.object().put("self", self);
    ArrayNode list = json.putArray("nodes");
    for (NodeState node : nodes) {
      ObjectNode one = list.addObject();
      one.put("name", node.node()).put("address", node.address()).put("status", node.status());
      NodeOutlook outlook = node.outlook();
      one.put(
          "version",
          outlook == null || outlook.version().isEmpty()
              ? node.node().equals(self) ? version : ""
              : outlook.version());
      node.roles().stream().sorted().forEach(one.putArray("roles")::add);
      ArrayNode gpus = one.putArray("gpus");
      if (outlook != null) {
        outlook.gpus().forEach(gpu -> write(gpus.addObject(), gpu));
        one.put("http", outlook.http());
      }
      one.put("queue", outlook == null ? 0 : outlook.waiting());
      one.put("last_seen_seconds", Math.round(node.lastSeenSeconds() * TENTHS) / TENTHS);
    }
    return json;
  }

  private static void write(ObjectNode json, GpuOutlook gpu) {
    json.put("index", gpu.index()).put("name", gpu.device());
    json.put(
        "model",
        gpu.resident().stream()
            .map(path -> String.valueOf(Path.of(path).getFileName()))
            .sorted()
            .collect(Collectors.joining(", ")));
    json.put("state", gpu.state()).put("queue", gpu.queue());
  }
}
