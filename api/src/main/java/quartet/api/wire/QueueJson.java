package quartet.api.wire;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.job.PromptJob;

/** Queues as {@code /queue} and {@code /queue/all} show them. */
public final class QueueJson {
  private QueueJson() {}

  /** {@code [number, prompt_id, prompt, extra_data, outputs_to_execute]}. */
  public static ArrayNode tuple(PromptJob job) {
    ArrayNode tuple = JsonNodeFactory.instance.arrayNode();
    number(tuple, job.number());
    tuple.add(job.promptId()).add(job.prompt()).add(job.extraData());
    job.outputs().forEach(tuple.addArray()::add);
    return tuple;
  }

  /** Whole numbers without a fraction, as the counter gives them. */
  private static void number(ArrayNode tuple, double number) {
    if (number == Math.rint(number) && Math.abs(number) < 1L << 53) {
      tuple.add((long) number);
    } else {
      tuple.add(number);
    }
  }

  /** {@code {"queue_running": […], "queue_pending": […]}} over the given devices. */
  public static ObjectNode queue(List<GpuSnapshot> gpus) {
    ObjectNode json = Json.object();
    ArrayNode running = json.putArray("queue_running");
    ArrayNode pending = json.putArray("queue_pending");
    for (GpuSnapshot gpu : gpus) {
      gpu.running().map(QueueJson::tuple).ifPresent(running::add);
      gpu.pending().stream().map(QueueJson::tuple).forEach(pending::add);
    }
    return json;
  }

  /** The same for one device, with its number. */
  public static ObjectNode queueOf(GpuSnapshot gpu) {
    ObjectNode json = Json.object().put("gpu_id", gpu.gpuId());
    return json.setAll(queue(List.of(gpu)));
  }

  /** {@code {"queues": [{"gpu_id", …}], "total_running", "total_pending"}}. */
  public static ObjectNode all(List<GpuSnapshot> gpus) {
    ObjectNode json = Json.object();
    ArrayNode queues = json.putArray("queues");
    int running = 0;
    int pending = 0;
    for (GpuSnapshot gpu : gpus) {
      ObjectNode one = queueOf(gpu);
      one.put("running_count", one.get("queue_running").size());
      one.put("pending_count", one.get("queue_pending").size());
      running += one.get("queue_running").size();
      pending += one.get("queue_pending").size();
      queues.add(one);
    }
    json.put("total_running", running);
    json.put("total_pending", pending);
    return json;
  }
}
