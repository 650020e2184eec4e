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
import quartet.cluster.split.SplitRun;

/**
 * The prompts between acceptance and end. The one count that admission goes by: a prompt counts
 * from the moment it comes, also while it is still being stored.
 *
 * <p>Thread: the router's.
 */
final class OpenPrompts {
  /** One of them. */
  static final class Open {
    PromptFact.Queued entry;

    /** Whether it is stored, and so waits or runs. */
    boolean admitted;

    /** The device it runs on, or ran on last, or null. */
    @Nullable Integer gpuId;

    /** How often a device failed while it ran. */
    int deviceFailures;

    /** Whether it was given a device with more memory already. */
    boolean triedLarger;

    /** Its parts, if its batch runs on several devices. */
    @Nullable SplitRun split;

    /** Whether another server has taken it over while this one did not answer. */
    boolean foreign;

    long startedMillis;
    List<String> cached = List.of();
    private final List<ActorRef<RouterProtocol.SubmitReply>> waiting = new ArrayList<>();

    Open(PromptFact.Queued entry) {
      this.entry = entry;
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
      return new RouterProtocol.Accepted(job().promptId(), job().number());
    }
  }

  private final Map<String, Open> prompts = new LinkedHashMap<>();
  private final Map<Integer, Integer> pinned = new HashMap<>();

  @Nullable Open find(String promptId) {
    return prompts.get(promptId);
  }

  void add(Open open) {
    prompts.put(open.job().promptId(), open);
    count(open.entry.pinnedTo(), 1);
  }

  @Nullable Open remove(String promptId) {
    Open open = prompts.remove(promptId);
    if (open != null) {
      count(open.entry.pinnedTo(), -1);
    }
    return open;
  }

  /** It was put elsewhere. */
  void change(Open open, PromptFact.Queued entry) {
    count(open.entry.pinnedTo(), -1);
    open.entry = entry;
    count(entry.pinnedTo(), 1);
  }

  private void count(@Nullable Integer gpuId, int by) {
    if (gpuId != null) {
      pinned.merge(gpuId, by, Integer::sum);
    }
  }

  /** How many name this device. */
  int pinnedTo(int gpuId) {
    return pinned.getOrDefault(gpuId, 0);
  }

  int size() {
    return prompts.size();
  }

  java.util.Set<String> ids() {
    return java.util.Set.copyOf(prompts.keySet());
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
