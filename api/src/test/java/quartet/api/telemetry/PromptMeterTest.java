package quartet.api.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import quartet.api.wire.Json;
import quartet.cluster.gpu.GpuFigures;
import quartet.cluster.gpu.GpuHoldings;
import quartet.cluster.gpu.GpuReport;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;
import quartet.tensor.DeviceMemory;

final class PromptMeterTest {
  private static final Instant ACCEPTED = Instant.parse("2026-01-01T00:00:00Z");
  private static final DeviceMemory MEMORY = new DeviceMemory(100, 40, 10, 50);

  private Instant now = ACCEPTED;
  private final Kept kept = new Kept();
  private final List<PromptTrace> traces = new ArrayList<>();
  private final PromptMeter meter = new PromptMeter(kept, List.of(0, 1), () -> now, traces::add);

  /** What was told, by name and labels. */
  private static final class Kept implements Meters {
    final Map<String, Long> counts = new HashMap<>();
    final Map<String, List<Duration>> times = new HashMap<>();
    final Map<String, Double> gauges = new HashMap<>();

    private static String key(Figure figure, Labels labels) {
      return figure + new java.util.TreeMap<>(labels.values()).toString();
    }

    @Override
    public void count(Figure figure, Labels labels, long amount) {
      counts.merge(key(figure, labels), amount, Long::sum);
    }

    @Override
    public void time(Figure figure, Labels labels, Duration took) {
      times.computeIfAbsent(key(figure, labels), name -> new ArrayList<>()).add(took);
    }

    @Override
    public void now(Figure figure, Labels labels, double value) {
      gauges.put(key(figure, labels), value);
    }
  }

  private static PromptJob job(String id) {
    ObjectNode prompt = Json.object();
    prompt.putObject("3").put("class_type", "KSampler").putObject("inputs");
    prompt
        .putObject("4")
        .put("class_type", "CheckpointLoaderSimple")
        .putObject("inputs")
        .put("ckpt_name", "a.safetensors");
    return new PromptJob(id, 1, prompt, Json.object(), List.of("9"), null, ACCEPTED);
  }

  private void tell(PromptEvent.OfPrompt event) {
    meter.report(new GpuReport.Happened(0, event));
  }

  private void start(PromptJob job) {
    tell(new PromptEvent.Started(job, 0, now.toEpochMilli()));
    tell(new PromptEvent.Cached(job, List.of(), now.toEpochMilli()));
  }

  private void end(PromptJob job, ExecutionOutcome outcome, String... resident) {
    offDevice(job, Duration.ofMillis(1), resident);
    finished(job, outcome);
  }

  private void offDevice(PromptJob job, Duration onDevice, String... resident) {
    GpuHoldings holdings = new GpuHoldings(Set.of(resident), MEMORY);
    meter.report(new GpuReport.LeftDevice(0, job, true, holdings, onDevice));
  }

  private void finished(PromptJob job, ExecutionOutcome outcome) {
    meter.report(
        new GpuReport.Finished(
            0, new PromptEvent.Ended(job, 0, outcome, now.toEpochMilli()), GpuFigures.NONE));
  }

  private void pass(int millis) {
    now = now.plusMillis(millis);
  }

  private static ExecutionOutcome outOfMemory() {
    return new ExecutionOutcome.Failed(
        Map.of(),
        "3",
        "KSampler",
        ErrorKind.OUT_OF_MEMORY,
        "too big",
        "OOM",
        List.of(),
        List.of(),
        Json.object());
  }

  @Test
  void aPromptsWaitsStagesStepsAndEndAreTimed() {
    PromptJob job = job("p");
    pass(150);
    start(job);
    tell(new PromptEvent.NodeStarted(job, "3"));
    pass(10);
    tell(new PromptEvent.Progress(job, "3", 1, 3));
    pass(20);
    tell(new PromptEvent.Progress(job, "3", 2, 3));
    pass(30);
    tell(new PromptEvent.Progress(job, "3", 3, 3));
    tell(new PromptEvent.NodeFinished(job, "3", null, false));
    end(job, new ExecutionOutcome.Succeeded(Map.of()), "/m/a.safetensors");

    assertThat(kept.times.get("QUEUE_WAIT{gpu=0, priority=normal}"))
        .containsExactly(Duration.ofMillis(150));
    assertThat(kept.times.get("STEP_DURATION{gpu=0}"))
        .containsExactly(Duration.ofMillis(20), Duration.ofMillis(30));
    assertThat(kept.times.get("STAGE_DURATION{gpu=0, stage=denoise}"))
        .containsExactly(Duration.ofMillis(60));
    assertThat(kept.times.get("PROMPT_DURATION{gpu=0, model=a.safetensors, outcome=succeeded}"))
        .containsExactly(Duration.ofMillis(60));
    assertThat(kept.counts)
        .containsEntry("PROMPTS{gpu=0, outcome=succeeded}", 1L)
        .containsEntry("PROMPTS{gpu=1, outcome=succeeded}", 0L)
        .containsEntry("MODEL_LOADS{gpu=0}", 1L)
        .containsEntry("PLACEMENTS{gpu=0, result=load}", 1L);
    assertThat(kept.gauges).containsEntry("VRAM{gpu=0, use=weights}", 50.0);
    assertThat(traces).hasSize(1);
    assertThat(traces.getFirst().nodes())
        .singleElement()
        .satisfies(node -> assertThat(node.classType()).isEqualTo("KSampler"));
  }

  @Test
  void aPromptThatIsSavedWhileTheNextOneRunsIsTimedToItsEnd() {
    PromptJob saved = job("saved");
    start(saved);
    pass(100);
    offDevice(saved, Duration.ofMillis(99), "a");
    PromptJob next = job("next");
    start(next);
    tell(new PromptEvent.NodeStarted(saved, "3"));
    pass(30);
    tell(new PromptEvent.NodeFinished(saved, "3", null, false));
    finished(saved, new ExecutionOutcome.Succeeded(Map.of()));
    pass(70);
    offDevice(next, Duration.ofMillis(98), "a");
    finished(next, new ExecutionOutcome.Succeeded(Map.of()));
    assertThat(kept.times.get("PROMPT_DURATION{gpu=0, model=a.safetensors, outcome=succeeded}"))
        .containsExactly(Duration.ofMillis(130), Duration.ofMillis(100));
    assertThat(kept.times.get("STAGE_DURATION{gpu=0, stage=denoise}"))
        .containsExactly(Duration.ofMillis(30));
    assertThat(kept.times.get("GPU_BUSY{gpu=0}"))
        .containsExactly(Duration.ofMillis(99), Duration.ofMillis(98));
  }

  @Test
  void aModelThatStaysIsAHitAndOneThatPushesAnotherOutASwap() {
    for (String model : List.of("a", "a", "b")) {
      PromptJob job = job(model + now);
      start(job);
      end(job, new ExecutionOutcome.Succeeded(Map.of()), model);
      pass(1);
    }
    assertThat(kept.counts)
        .containsEntry("PLACEMENTS{gpu=0, result=load}", 1L)
        .containsEntry("PLACEMENTS{gpu=0, result=hit}", 1L)
        .containsEntry("PLACEMENTS{gpu=0, result=swap}", 1L)
        .containsEntry("MODEL_LOADS{gpu=0}", 2L)
        .containsEntry("MODEL_EVICTIONS{gpu=0}", 1L);
  }

  @Test
  void memoryThatRunsOutIsCountedWhereItDidAndWhetherTheRetryHelped() {
    PromptJob rescued = job("rescued");
    start(rescued);
    tell(new PromptEvent.NodeStarted(rescued, "3"));
    tell(new PromptEvent.Cached(rescued, List.of(), 0)); // the second try
    end(rescued, new ExecutionOutcome.Succeeded(Map.of()), "a");
    assertThat(kept.counts)
        .containsEntry("OUT_OF_MEMORY{gpu=0, recovered=true, stage=denoise}", 1L);

    PromptJob failed = job("failed");
    start(failed);
    tell(new PromptEvent.NodeStarted(failed, "3"));
    tell(new PromptEvent.Cached(failed, List.of(), 0));
    tell(new PromptEvent.NodeStarted(failed, "3"));
    end(failed, outOfMemory(), "a");
    assertThat(kept.counts)
        .containsEntry("OUT_OF_MEMORY{gpu=0, recovered=false, stage=denoise}", 1L)
        .containsEntry("FAILURES{gpu=0, kind=out_of_memory}", 1L)
        .containsEntry("PROMPTS{gpu=0, outcome=failed}", 1L);
  }

  @Test
  void aDeviceThatFailsIsCountedAndItsPromptIsForgotten() {
    PromptJob job = job("p");
    start(job);
    meter.report(new GpuReport.Down(0, job, "fell off the bus"));
    tell(new PromptEvent.NodeFinished(job, "3", null, false));
    assertThat(kept.counts)
        .containsEntry("RESTARTS{gpu=0}", 1L)
        .containsEntry("NODE_RESULTS{gpu=0, result=executed}", 0L);
  }

  @Test
  void aJournalThatFailsIsCounted() {
    meter.journal(Duration.ofMillis(3), true);
    meter.journal(Duration.ofSeconds(2), false);
    assertThat(kept.times.get("JOURNAL{}")).hasSize(2);
    assertThat(kept.counts).containsEntry("JOURNAL_FAILURES{}", 1L);
  }
}
