package quartet.api.wire;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.job.PromptJob;
import quartet.cluster.node.Turns;
import quartet.cluster.queue.Projection;

/**
 * Queues as {@code /queue} and {@code /queue/all} show them, as bytes. Each open prompt is written
 * once and kept as bytes: an answer over ten thousand of them is put together, not written anew.
 *
 * <p>Thread: any.
 */
public final class QueueJson {
  private static final int SPARE = 64;
  private static final byte[] NOTHING = {};
  private static final byte[] COMMA = {','};
  private static final byte[] QUOTE = {'"'};

  @SuppressWarnings("ArrayRecordComponent") // never compared, and never written to
  private record Written(PromptJob job, byte[] bytes) {
    /** All that can change of an open prompt is its place. */
    boolean isOf(PromptJob other) {
      return job.number() == other.number()
          && job.accepted().equals(other.accepted())
          && job.extraData().path(Turns.PRIORITY).equals(other.extraData().path(Turns.PRIORITY));
    }
  }

  private final Map<String, Written> tuples = new ConcurrentHashMap<>();

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

  private byte[] bytes(PromptJob job) {
    Written known = tuples.get(job.promptId());
    if (known == null || !known.isOf(job)) {
      known = new Written(job, Json.bytes(tuple(job)));
      tuples.put(job.promptId(), known);
    }
    return known.bytes();
  }

  /** {@code {"queue_running": […], "queue_pending": […]}} over the given devices. */
  public byte[] queue(List<GpuSnapshot> gpus) {
    Out out = new Out().text("{");
    lists(out, gpus);
    return out.text("}").bytes();
  }

  /** The same for one device, with its number. */
  public byte[] queueOf(GpuSnapshot gpu) {
    Out out = new Out().text("{\"gpu_id\":").text(Integer.toString(gpu.gpuId())).text(",");
    lists(out, List.of(gpu));
    return out.text("}").bytes();
  }

  private void lists(Out out, List<GpuSnapshot> gpus) {
    out.text("\"queue_running\":[");
    gpus.forEach(gpu -> gpu.underWay().forEach(job -> out.item(bytes(job))));
    out.text("],\"queue_pending\":[").first();
    gpus.forEach(gpu -> gpu.pending().forEach(job -> out.item(bytes(job))));
    out.text("]");
  }

  /**
   * {@code {"queues": [{"gpu_id", …}], "total_running", "total_pending"}}. A device with waiting
   * prompts has a {@code schedule}: position, expected start and reason of each. A device that
   * takes no prompts says so.
   */
  public byte[] all(List<GpuSnapshot> gpus) {
    Out out = new Out().text("{\"queues\":[");
    int running = 0;
    int pending = 0;
    String comma = "";
    for (GpuSnapshot gpu : gpus) {
      out.text(comma).text("{\"gpu_id\":").text(Integer.toString(gpu.gpuId())).text(",").first();
      node(out, gpu);
      comma = ",";
      lists(out, List.of(gpu));
      int runningHere = gpu.underWay().size();
      out.text(",\"running_count\":").text(Integer.toString(runningHere));
      out.text(",\"pending_count\":").text(Integer.toString(gpu.pending().size()));
      state(out, gpu);
      out.text("}");
      running += runningHere;
      pending += gpu.pending().size();
    }
    out.text("],\"total_running\":").text(Integer.toString(running));
    out.text(",\"total_pending\":").text(Integer.toString(pending)).text("}");
    forgetAllBut(gpus, running + pending);
    return out.bytes();
  }

  /** In a cluster, a device's number alone does not say which. */
  private static void node(Out out, GpuSnapshot gpu) {
    if (gpu.node() != null) {
      out.text("\"node\":").quoted(gpu.node()).text(",");
    }
  }

  private static void state(Out out, GpuSnapshot gpu) {
    if (gpu.paused()) {
      out.text(",\"paused\":true");
    }
    if (gpu.unhealthy() != null) {
      out.text(",\"unhealthy\":").quoted(gpu.unhealthy());
    }
    if (!gpu.pending().isEmpty()) {
      out.text(",\"schedule\":[").first();
      gpu.planned().forEach(planned -> out.item(NOTHING).planned(planned));
      out.text("]");
    }
  }

  private void forgetAllBut(List<GpuSnapshot> gpus, int open) {
    if (tuples.size() > 2 * open + SPARE) {
      Set<String> ids = new HashSet<>();
      for (GpuSnapshot gpu : gpus) {
        gpu.underWay().forEach(job -> ids.add(job.promptId()));
        gpu.pending().forEach(job -> ids.add(job.promptId()));
      }
      tuples.keySet().retainAll(ids);
    }
  }

  /** Bytes in the making: pieces, put together once. */
  private static final class Out {
    private final List<byte[]> pieces = new ArrayList<>();
    private int length;
    private boolean first = true;

    Out text(String ascii) {
      return raw(ascii.getBytes(StandardCharsets.ISO_8859_1));
    }

    Out quoted(String text) {
      return raw(QUOTE).raw(JsonStringEncoder.getInstance().quoteAsUTF8(text)).raw(QUOTE);
    }

    private Out raw(byte[] some) {
      pieces.add(some);
      length += some.length;
      return this;
    }

    /** The next item is the first of its list. */
    void first() {
      first = true;
    }

    Out item(byte[] some) {
      if (!first) {
        raw(COMMA);
      }
      first = false;
      return raw(some);
    }

    void planned(Projection.Planned planned) {
      text("{\"prompt_id\":").quoted(planned.promptId());
      text(
          ",\"position\":"
              + planned.position()
              + ",\"expected_start\":"
              + planned.startMillis()
              + ",\"reason\":");
      quoted(planned.reason()).text("}");
    }

    byte[] bytes() {
      byte[] all = new byte[length];
      int at = 0;
      for (byte[] piece : pieces) {
        System.arraycopy(piece, 0, all, at, piece.length);
        at += piece.length;
      }
      return all;
    }
  }
}
