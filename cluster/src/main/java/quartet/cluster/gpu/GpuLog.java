package quartet.cluster.gpu;

import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.job.PromptJob;
import quartet.engine.exec.ExecutionOutcome;
import quartet.tensor.Device;

/**
 * The lines about a device that operators know, and search their logs for: what is written here is
 * agreed with them, to the character, the logger's name included.
 *
 * <p>Thread: any.
 */
record GpuLog(int gpuId) {
  private static final Logger LOG = LoggerFactory.getLogger(GpuActor.class);

  void workerStarted(Device device) {
    LOG.info("🔧 [GPU {}] Worker started on {}", gpuId, device);
  }

  void warmUpStarts() {
    LOG.info("🔥 [GPU {}] Starting warmup...", gpuId);
  }

  /**
   * The same after a failure.
   *
   * @param reason of the failure
   */
  void warmUpStartsAgain(String reason) {
    LOG.info("🔥 [GPU {}] Warming up again after: {}", gpuId, reason);
  }

  void warmUpCompleted() {
    LOG.info("✅ [GPU {}] Warmup completed", gpuId);
  }

  void warmUpFailed(@Nullable Throwable failure) {
    LOG.error("❌ [GPU {}] Warmup failed: {}", gpuId, String.valueOf(failure));
  }

  /**
   * A prompt has ended.
   *
   * @param took from its start
   */
  void ended(PromptJob job, ExecutionOutcome outcome, Duration took) {
    String seconds = String.format(Locale.ROOT, "%.2f", took.toMillis() / 1000.0);
    switch (outcome) {
      case ExecutionOutcome.Succeeded ignored ->
          LOG.info("✅ [GPU {}] Prompt {} executed in {}s", gpuId, job.promptId(), seconds);
      case ExecutionOutcome.Interrupted stopped ->
          LOG.info(
              "🛑 [GPU {}] Prompt {} interrupted at node {} ({}) after {}s",
              gpuId,
              job.promptId(),
              stopped.nodeId(),
              stopped.nodeType(),
              seconds);
      case ExecutionOutcome.Failed failure ->
          LOG.error(
              "❌ [GPU {}] Prompt {} failed at node {} ({}) after {}s: {}",
              gpuId,
              job.promptId(),
              failure.nodeId(),
              failure.nodeType(),
              seconds,
              failure.message());
    }
  }

  void figures(GpuFigures figures) {
    LOG.info("📊 [GPU {}] {}", gpuId, figures);
  }

  void couldNotFree(@Nullable Throwable failure) {
    LOG.warn("[GPU {}] could not free memory: {}", gpuId, String.valueOf(failure));
  }

  void restarts(String reason) {
    LOG.error("❌ [GPU {}] failed and is restarted: {}", gpuId, reason);
  }

  /** Only its own process is. */
  void processKilled(String reason) {
    LOG.error("❌ [GPU {}] {}; its process is killed", gpuId, reason);
  }

  /** The device itself has failed. */
  void lost(String reason) {
    LOG.error(
        "❌ [GPU {}] is lost to this process: {}; the process has to be replaced", gpuId, reason);
  }

  /** A prompt hangs after it has left the device. */
  void hangs(String reason) {
    LOG.error("❌ [GPU {}] {}; the process has to be replaced", gpuId, reason);
  }

  void endFailed(PromptJob job, RuntimeException failure) {
    LOG.error("the end of prompt {} failed", job.promptId(), failure);
  }
}
