package quartet.cluster.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import quartet.cluster.job.PromptJob;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;
import quartet.tensor.Device;

/** The lines that operators search for, to the character. */
final class GpuLogTest {
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
  private final Logger logger = (Logger) LoggerFactory.getLogger(GpuActor.class);
  private final GpuLog log = new GpuLog(2);
  private final PromptJob job = Jobs.job("p1", 0);

  @BeforeEach
  void listen() {
    lines.start();
    logger.addAppender(lines);
  }

  @AfterEach
  void stop() {
    logger.detachAppender(lines);
  }

  private void assertLines(String... expected) {
    assertThat(lines.list.stream().map(one -> one.getLevel() + " " + one.getFormattedMessage()))
        .containsExactly(expected);
  }

  @Test
  void aDevicesLife() {
    log.workerStarted(Device.cpu(0));
    log.warmUpStarts();
    log.warmUpStartsAgain("it fell over");
    log.warmUpCompleted();
    log.warmUpFailed(new IllegalStateException("no"));
    log.couldNotFree(null);
    log.figures(GpuFigures.NONE);
    assertLines(
        "INFO 🔧 [GPU 2] Worker started on cpu:0",
        "INFO 🔥 [GPU 2] Starting warmup...",
        "INFO 🔥 [GPU 2] Warming up again after: it fell over",
        "INFO ✅ [GPU 2] Warmup completed",
        "ERROR ❌ [GPU 2] Warmup failed: java.lang.IllegalStateException: no",
        "WARN [GPU 2] could not free memory: null",
        "INFO 📊 [GPU 2] tasks=0, success=0.0%, queue=0.0, wait=0ms, exec=0ms, oom=0");
  }

  @Test
  void whatGoesWrongWithIt() {
    log.restarts("it fell over");
    log.processKilled("it hangs");
    log.hangs("it hangs");
    log.lost("it broke");
    log.endFailed(job, new IllegalStateException("no"));
    assertLines(
        "ERROR ❌ [GPU 2] failed and is restarted: it fell over",
        "ERROR ❌ [GPU 2] it hangs; its process is killed",
        "ERROR ❌ [GPU 2] it hangs; the process has to be replaced",
        "ERROR ❌ [GPU 2] is lost to this process: it broke; the process has to be replaced",
        "ERROR the end of prompt p1 failed");
  }

  @Test
  void endsOfPrompts() {
    Duration took = Duration.ofMillis(15324);
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.GERMANY);
      log.ended(job, new ExecutionOutcome.Succeeded(Map.of()), took);
    } finally {
      Locale.setDefault(before);
    }
    log.ended(job, new ExecutionOutcome.Interrupted(Map.of(), "3", "KSampler", List.of()), took);
    log.ended(job, ExecutionOutcome.Failed.outsideNodes(ErrorKind.INPUT, "no such file"), took);
    assertLines(
        "INFO ✅ [GPU 2] Prompt p1 executed in 15.32s",
        "INFO 🛑 [GPU 2] Prompt p1 interrupted at node 3 (KSampler) after 15.32s",
        "ERROR ❌ [GPU 2] Prompt p1 failed at node  () after 15.32s: no such file");
  }
}
