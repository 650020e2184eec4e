package quartet.cluster.node;

import akka.actor.typed.ActorRef;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptJob;

/**
 * The prompts between acceptance and end, and how many of them each device has. The one count that
 * admission goes by: a prompt counts from the moment it is chosen for a device, also while it is
 * still being stored.
 *
 * <p>Thread: the router's.
 */
final class OpenPrompts {
  /** One of them. */
  static final class Open {
    final PromptFact.Queued entry;
    int gpuId;
    boolean admitted;
    long startedMillis;
    List<String> cached = List.of();
    private final List<ActorRef<RouterProtocol.SubmitReply>> waiting = new ArrayList<>();

    Open(PromptFact.Queued entry, int gpuId) {
      this.entry = entry;
      this.gpuId = gpuId;
    }

    PromptJob job() {
      return entry.job();
    }

    void answerTo(ActorRef<RouterProtocol.SubmitReply> replyTo) {
      waiting.add(replyTo);
    }

    /** Tells everybody who has posted it, perhaps more than once. */
    void answer(RouterProtocol.SubmitReply reply) {
      waiting.forEach(one -> one.tell(reply));
      waiting.clear();
    }

    RouterProtocol.Accepted accepted() {
      return new RouterProtocol.Accepted(job().promptId(), job().number(), gpuId);
    }
  }

  private final Map<String, Open> prompts = new LinkedHashMap<>();
  private final Map<Integer, Integer> counts = new HashMap<>();

  @Nullable Open find(String promptId) {
    return prompts.get(promptId);
  }

  void add(Open open) {
    prompts.put(open.job().promptId(), open);
    counts.merge(open.gpuId, 1, Integer::sum);
  }

  @Nullable Open remove(String promptId) {
    Open open = prompts.remove(promptId);
    if (open != null) {
      counts.merge(open.gpuId, -1, Integer::sum);
    }
    return open;
  }

  void move(Open open, int gpuId) {
    counts.merge(open.gpuId, -1, Integer::sum);
    open.gpuId = gpuId;
    counts.merge(gpuId, 1, Integer::sum);
  }

  int on(int gpuId) {
    return counts.getOrDefault(gpuId, 0);
  }

  int size() {
    return prompts.size();
  }

  /**
   * Whether two requests ask for the same: equal prompts and outputs, whatever the order of their
   * keys and however their numbers were read.
   */
  static boolean same(PromptJob known, ObjectNode prompt, List<String> outputs) {
    return java.util.Set.copyOf(known.outputs()).equals(java.util.Set.copyOf(outputs))
        && sorted(known.prompt()).toString().equals(sorted(prompt).toString());
  }

  private static JsonNode sorted(JsonNode node) {
    if (node instanceof ObjectNode object) {
      ObjectNode copy = object.objectNode();
      Map<String, JsonNode> fields = new TreeMap<>();
      object.properties().forEach(field -> fields.put(field.getKey(), field.getValue()));
      fields.forEach((name, value) -> copy.set(name, sorted(value)));
      return copy;
    }
    if (node instanceof ArrayNode array) {
      ArrayNode copy = array.arrayNode();
      array.forEach(one -> copy.add(sorted(one)));
      return copy;
    }
    return node;
  }
}
