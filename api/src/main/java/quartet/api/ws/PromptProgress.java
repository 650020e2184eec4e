package quartet.api.ws;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import quartet.api.wire.Json;
import quartet.api.wire.NodeIds;
import quartet.cluster.job.PromptJob;

/** How far each node of a running prompt is, as {@code progress_state} shows it. */
final class PromptProgress {
  private record NodeState(double value, double max, String state) {}

  private final PromptJob job;
  private final Map<String, NodeState> nodes = new LinkedHashMap<>();
  private @Nullable String current;

  PromptProgress(PromptJob job) {
    this.job = job;
  }

  PromptJob job() {
    return job;
  }

  Optional<String> currentNode() {
    return Optional.ofNullable(current);
  }

  void started(String nodeId) {
    current = nodeId;
    nodes.put(nodeId, new NodeState(0, 1, "running"));
  }

  void at(String nodeId, int value, int max) {
    nodes.put(nodeId, new NodeState(value, max, "running"));
  }

  void finished(String nodeId) {
    NodeState before = nodes.get(nodeId);
    double max = before == null ? 1 : before.max();
    nodes.put(nodeId, new NodeState(max, max, "finished"));
  }

  ObjectNode json() {
    ObjectNode data = Json.object().put("prompt_id", job.promptId());
    ObjectNode states = data.putObject("nodes");
    nodes.forEach(
        (id, node) -> {
          ObjectNode one = states.putObject(id);
          one.put("value", node.value()).put("max", node.max()).put("state", node.state());
          NodeIds ids = NodeIds.of(job.prompt(), id);
          one.put("node_id", id).put("prompt_id", job.promptId());
          one.put("display_node_id", ids.real());
          ids.parentInto(one, "parent_node_id");
          one.put("real_node_id", ids.real());
        });
    return data;
  }
}
