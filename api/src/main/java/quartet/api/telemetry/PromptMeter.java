package quartet.api.telemetry;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import quartet.cluster.gpu.GpuHoldings;
import quartet.cluster.gpu.GpuReport;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.cluster.node.Turns;
import quartet.cluster.telemetry.Recorder;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;
import quartet.tensor.DeviceMemory;

/**
 * Makes figures of what devices tell. It only counts and times; what it keeps is about prompts that
 * run or are being saved, of which each device has few.
 *
 * <p>Thread: {@link #report} the front actor's, {@link #journal} any.
 */
final class PromptMeter implements Recorder {
  private static final Labels STORED = Labels.NONE;

  private final Meters meters;
  private final Consumer<PromptTrace> traces;
  private final InstantSource clock;
  private final Map<String, Running> running = new HashMap<>();
  private final Map<Integer, Set<String>> resident = new HashMap<>();

  /** What is known of a prompt that runs. */
  private static final class Running {
    final PromptJob job;
    final Instant started;
    final Map<String, Instant> began = new HashMap<>();
    final List<PromptTrace.Span> ended = new ArrayList<>();
    final List<Stage> exhausted = new ArrayList<>();
    String lastNode = "";
    String steppingNode = "";
    int step;
    Instant stepped;
    boolean listed;

    Running(PromptJob job, Instant started) {
      this.job = job;
      this.started = started;
      this.stepped = started;
    }

    String classType(String nodeId) {
      return job.prompt().path(nodeId).path("class_type").asText();
    }
  }

  /**
   * A meter for these devices, whose counters are there from the start.
   *
   * @param traces hears of each ended prompt
   */
  PromptMeter(
      Meters meters, List<Integer> gpus, InstantSource clock, Consumer<PromptTrace> traces) {
    this.meters = meters;
    this.clock = clock;
    this.traces = traces;
    meters.count(Figure.JOURNAL_FAILURES, Labels.NONE, 0);
    for (int gpu : gpus) {
      Labels labels = Labels.gpu(gpu);
      for (String outcome : List.of("succeeded", "failed", "interrupted")) {
        meters.count(Figure.PROMPTS, labels.and("outcome", outcome), 0);
      }
      for (Stage stage : Stage.values()) {
        for (String recovered : List.of("true", "false")) {
          meters.count(
              Figure.OUT_OF_MEMORY,
              labels.and("stage", stage.label()).and("recovered", recovered),
              0);
        }
      }
      for (String result : List.of("hit", "load", "swap")) {
        meters.count(Figure.PLACEMENTS, labels.and("result", result), 0);
      }
      for (String result : List.of("executed", "cached")) {
        meters.count(Figure.NODE_RESULTS, labels.and("result", result), 0);
      }
      for (ErrorKind kind : ErrorKind.values()) {
        meters.count(Figure.FAILURES, labels.and("kind", name(kind)), 0);
      }
      meters.count(Figure.RESTARTS, labels, 0);
      meters.count(Figure.LOST, labels, 0);
      meters.count(Figure.MODEL_LOADS, labels, 0);
      meters.count(Figure.MODEL_EVICTIONS, labels, 0);
    }
  }

  private static String name(ErrorKind kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public void journal(Duration took, boolean stored) {
    meters.time(Figure.JOURNAL, STORED, took);
    if (!stored) {
      meters.count(Figure.JOURNAL_FAILURES, Labels.NONE, 1);
    }
  }

  @Override
  public void report(GpuReport report) {
    int gpu = report.gpuId();
    switch (report) {
      case GpuReport.Happened happened -> happened(gpu, happened.event());
      case GpuReport.LeftDevice left -> {
        meters.time(Figure.GPU_BUSY, Labels.gpu(gpu), left.onDevice());
        place(gpu, left.job(), left.holdings());
        holds(gpu, left.holdings());
      }
      case GpuReport.Finished finished -> finished(gpu, finished.end());
      case GpuReport.Holds holds -> holds(gpu, holds.holdings());
      case GpuReport.Up up -> holds(gpu, up.holdings());
      case GpuReport.Down down -> {
        meters.count(Figure.RESTARTS, Labels.gpu(gpu), 1);
        forget(gpu, down.interrupted());
      }
      case GpuReport.Lost lost -> {
        meters.count(Figure.LOST, Labels.gpu(gpu), 1);
        forget(gpu, lost.interrupted());
      }
    }
  }

  private void forget(int gpu, @Nullable PromptJob interrupted) {
    if (interrupted != null) {
      running.remove(interrupted.promptId());
    }
    resident.remove(gpu);
  }

  private void happened(int gpu, PromptEvent.OfPrompt event) {
    if (event instanceof PromptEvent.Started started) {
      Instant at = Instant.ofEpochMilli(started.timestampMillis());
      running.put(started.job().promptId(), new Running(started.job(), at));
      meters.time(
          Figure.QUEUE_WAIT,
          Labels.gpu(gpu).and("priority", priority(started.job())),
          Duration.between(started.job().accepted(), at));
      return;
    }
    Running now = running.get(event.job().promptId());
    if (now == null) {
      return;
    }
    switch (event) {
      case PromptEvent.Cached cached -> cached(gpu, now, cached.nodeIds().size());
      case PromptEvent.NodeStarted node -> {
        now.began.put(node.nodeId(), clock.instant());
        now.lastNode = node.nodeId();
      }
      case PromptEvent.Progress progress -> stepped(gpu, now, progress);
      case PromptEvent.NodeFinished node -> {
        if (!node.cached()) {
          nodeFinished(gpu, now, node.nodeId());
        }
      }
      case PromptEvent.Message ignored -> {}
      case PromptEvent.Closed ignored -> {}
      case PromptEvent.Started ignored -> {}
      case PromptEvent.Ended ignored -> {}
    }
  }

  /** Told once for each try: a second time means that memory ran out in the node that ran. */
  private void cached(int gpu, Running now, int nodes) {
    if (now.listed) {
      now.exhausted.add(Stage.of(now.classType(now.lastNode)));
    }
    now.listed = true;
    meters.count(Figure.NODE_RESULTS, Labels.gpu(gpu).and("result", "cached"), nodes);
  }

  private void stepped(int gpu, Running now, PromptEvent.Progress progress) {
    Instant at = clock.instant();
    if (progress.nodeId().equals(now.steppingNode) && progress.value() == now.step + 1) {
      meters.time(Figure.STEP_DURATION, Labels.gpu(gpu), Duration.between(now.stepped, at));
    }
    now.steppingNode = progress.nodeId();
    now.step = progress.value();
    now.stepped = at;
  }

  private void nodeFinished(int gpu, Running now, String nodeId) {
    Instant at = clock.instant();
    Instant began = now.began.remove(nodeId);
    meters.count(Figure.NODE_RESULTS, Labels.gpu(gpu).and("result", "executed"), 1);
    if (began != null) {
      Stage stage = Stage.of(now.classType(nodeId));
      meters.time(
          Figure.STAGE_DURATION,
          Labels.gpu(gpu).and("stage", stage.label()),
          Duration.between(began, at));
      now.ended.add(new PromptTrace.Span(nodeId, now.classType(nodeId), stage, began, at));
    }
  }

  private void finished(int gpu, PromptEvent.Ended end) {
    Running now = running.remove(end.job().promptId());
    String outcome =
        switch (end.outcome()) {
          case ExecutionOutcome.Succeeded ignored -> "succeeded";
          case ExecutionOutcome.Interrupted ignored -> "interrupted";
          case ExecutionOutcome.Failed failed -> {
            meters.count(Figure.FAILURES, Labels.gpu(gpu).and("kind", name(failed.kind())), 1);
            yield "failed";
          }
        };
    meters.count(Figure.PROMPTS, Labels.gpu(gpu).and("outcome", outcome), 1);
    if (now == null) {
      return;
    }
    outOfMemory(gpu, now, end.outcome());
    Instant at = Instant.ofEpochMilli(end.timestampMillis());
    meters.time(
        Figure.PROMPT_DURATION,
        Labels.gpu(gpu).and("outcome", outcome).and("model", model(end.job())),
        Duration.between(now.started, at));
    traces.accept(
        new PromptTrace(
            end.job().promptId(), gpu, end.job().accepted(), now.started, at, outcome, now.ended));
  }

  private void outOfMemory(int gpu, Running now, ExecutionOutcome outcome) {
    boolean atTheEnd =
        outcome instanceof ExecutionOutcome.Failed failed
            && failed.kind() == ErrorKind.OUT_OF_MEMORY;
    if (atTheEnd && now.exhausted.isEmpty()) {
      now.exhausted.add(Stage.of(now.classType(now.lastNode)));
    }
    for (Stage stage : now.exhausted) {
      meters.count(
          Figure.OUT_OF_MEMORY,
          Labels.gpu(gpu).and("stage", stage.label()).and("recovered", Boolean.toString(!atTheEnd)),
          1);
    }
  }

  private void place(int gpu, PromptJob job, GpuHoldings holdings) {
    if (checkpoint(job) == null || holdings.resident().isEmpty()) {
      return;
    }
    Set<String> before = resident.getOrDefault(gpu, Set.of());
    boolean loaded = !before.containsAll(holdings.resident());
    boolean dropped = !holdings.resident().containsAll(before);
    String result = !loaded ? "hit" : dropped ? "swap" : "load";
    meters.count(Figure.PLACEMENTS, Labels.gpu(gpu).and("result", result), 1);
  }

  private void holds(int gpu, GpuHoldings holdings) {
    Set<String> before = resident.getOrDefault(gpu, Set.of());
    meters.count(Figure.MODEL_LOADS, Labels.gpu(gpu), missing(holdings.resident(), before));
    meters.count(Figure.MODEL_EVICTIONS, Labels.gpu(gpu), missing(before, holdings.resident()));
    resident.put(gpu, holdings.resident());
    DeviceMemory memory = holdings.memory();
    Map<String, Long> uses =
        Map.of(
            "total", memory.totalBytes(),
            "free", memory.freeBytes(),
            "weights", memory.parameterBytes(),
            "activations", memory.scopeBytes());
    uses.forEach(
        (use, bytes) ->
            meters.now(Figure.VRAM, Labels.gpu(gpu).and("use", use), bytes.doubleValue()));
  }

  /** How many of these are not among those. */
  private static int missing(Set<String> these, Set<String> those) {
    Set<String> left = new HashSet<>(these);
    left.removeAll(those);
    return left.size();
  }

  private static String priority(PromptJob job) {
    int priority = job.number() < 0 ? 1 : job.extraData().path(Turns.PRIORITY).asInt(0);
    return priority > 0 ? "high" : priority < 0 ? "low" : "normal";
  }

  private static String model(PromptJob job) {
    String name = checkpoint(job);
    return name == null ? "none" : name;
  }

  private static @Nullable String checkpoint(PromptJob job) {
    for (var node : job.prompt()) {
      String name = node.path("inputs").path("ckpt_name").asText();
      if (!name.isEmpty()) {
        return name;
      }
    }
    return null;
  }
}
