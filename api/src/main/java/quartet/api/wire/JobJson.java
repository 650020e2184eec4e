package quartet.api.wire;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptRecord;
import quartet.engine.exec.ExecutionOutcome;

/**
 * Prompts as {@code /api/jobs} shows them, waiting, running and ended ones alike. Fields without a
 * value are left out: the front end's schema knows no null.
 *
 * @param duration milliseconds, or 0 before the end
 */
public record JobJson(Status status, long created, long duration, ObjectNode json) {
  private static final Set<String> VISUAL =
      Set.of("png", "jpg", "jpeg", "gif", "webp", "bmp", "mp4", "webm", "mov", "glb");
  private static final int MAX_TEXT = 1024;

  /** Where a prompt stands. */
  public enum Status {
    /** In a queue. */
    PENDING,
    /** On a device. */
    IN_PROGRESS,
    /** Ended well. */
    COMPLETED,
    /** Ended with an error. */
    FAILED,
    /** Stopped by a person. */
    CANCELLED;

    /** As on the wire. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** All jobs of the queues and the history. */
  public static List<JobJson> of(List<GpuSnapshot> gpus, List<PromptRecord> history) {
    List<JobJson> jobs = new ArrayList<>();
    history.forEach(record -> jobs.add(ended(record)));
    for (GpuSnapshot gpu : gpus) {
      gpu.underWay().forEach(job -> jobs.add(open(job, Status.IN_PROGRESS)));
      gpu.pending().forEach(job -> jobs.add(open(job, Status.PENDING)));
    }
    return jobs;
  }

  /** A prompt that has not ended. */
  public static JobJson open(PromptJob job, Status status) {
    return new JobJson(status, created(job), 0, base(job, status));
  }

  /** A prompt that has. */
  public static JobJson ended(PromptRecord record) {
    Status status =
        switch (record.outcome()) {
          case ExecutionOutcome.Succeeded ignored -> Status.COMPLETED;
          case ExecutionOutcome.Failed ignored -> Status.FAILED;
          case ExecutionOutcome.Interrupted ignored -> Status.CANCELLED;
        };
    ObjectNode json = base(record.job(), status);
    json.put("execution_start_time", record.startedMillis());
    json.put("execution_end_time", record.endedMillis());
    Outputs outputs = Outputs.of(record.outcome().shown());
    json.put("outputs_count", outputs.count()).put("previewable_outputs_count", outputs.shown());
    if (!outputs.best().isEmpty()) {
      json.set("preview_output", outputs.best());
    }
    if (status == Status.FAILED) {
      json.set(
          "execution_error", EventJson.end(record.job(), record.outcome(), record.endedMillis()));
    }
    return new JobJson(
        status, created(record.job()), record.endedMillis() - record.startedMillis(), json);
  }

  /** With what only the single job shows. */
  public static ObjectNode detail(JobJson job, PromptJob prompt) {
    ObjectNode json = job.json().deepCopy();
    ObjectNode workflow = json.putObject("workflow");
    workflow.set("prompt", prompt.prompt());
    workflow.set("extra_data", prompt.extraData());
    return json;
  }

  /** With outputs and status of an ended prompt. */
  public static ObjectNode detail(PromptRecord record) {
    ObjectNode json = detail(ended(record), record.job());
    JsonNode entry = HistoryJson.of(List.of(record)).path(record.job().promptId());
    json.set("outputs", entry.path("outputs"));
    json.set("execution_status", entry.path("status"));
    return json;
  }

  private static long created(PromptJob job) {
    JsonNode given = job.extraData().path("create_time");
    return given.isNumber() ? given.longValue() : job.accepted().toEpochMilli();
  }

  private static ObjectNode base(PromptJob job, Status status) {
    ObjectNode json = Json.object().put("id", job.promptId()).put("status", status.text());
    if (job.number() == Math.rint(job.number())) {
      json.put("priority", (long) job.number());
    } else {
      json.put("priority", job.number());
    }
    json.put("create_time", created(job));
    json.put("outputs_count", 0);
    String workflow = job.extraPngInfo().path("workflow").path("id").asText();
    if (!workflow.isEmpty()) {
      json.put("workflow_id", workflow);
    }
    return json;
  }

  /** What a prompt has made: how many things, how many can be shown, and the one to show. */
  private record Outputs(int count, int shown, ObjectNode best) {
    static Outputs of(Map<String, ObjectNode> nodes) {
      int count = 0;
      int shown = 0;
      int bestRank = 0;
      ObjectNode best = Json.object();
      for (Map.Entry<String, ObjectNode> node : nodes.entrySet()) {
        for (Map.Entry<String, JsonNode> kind : node.getValue().properties()) {
          if (kind.getValue().isArray() && !kind.getKey().equals("animated")) {
            for (JsonNode item : kind.getValue()) {
              count++;
              int rank = rank(item);
              shown += rank > 0 ? 1 : 0;
              if (rank > bestRank) {
                bestRank = rank;
                best = preview(item);
                best.put("nodeId", node.getKey()).put("mediaType", kind.getKey());
              }
            }
          }
        }
      }
      return new Outputs(count, shown, best);
    }

    /** Saved pictures before passing ones, files before words. */
    private static int rank(JsonNode item) {
      String name = item.path("filename").asText();
      String suffix = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
      if (VISUAL.contains(suffix)) {
        return item.path("type").asText().equals("output") ? 4 : 3;
      }
      if (suffix.equals("txt") || suffix.equals("json")) {
        return 2;
      }
      return item.isTextual() ? 1 : 0;
    }

    private static ObjectNode preview(JsonNode item) {
      if (item instanceof ObjectNode file) {
        return file.deepCopy();
      }
      String text = item.asText();
      ObjectNode json = Json.object();
      json.put("content", text.substring(0, Math.min(MAX_TEXT, text.length())));
      return text.length() > MAX_TEXT ? json.put("truncated", true) : json;
    }
  }
}
