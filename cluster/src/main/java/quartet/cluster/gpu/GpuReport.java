package quartet.cluster.gpu;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;

/** What the front actor hears from a device. */
public sealed interface GpuReport {
  /** The number of the device. */
  int gpuId();

  /** Something happened to a running prompt; never its end. */
  record Happened(int gpuId, PromptEvent.OfPrompt event) implements GpuReport {}

  /**
   * The device has done its part of a prompt and can take the next one. {@link Finished} follows:
   * at once, or when what needs no device has been done too.
   *
   * @param success whether nothing has failed so far
   * @param onDevice how long it took
   */
  record LeftDevice(
      int gpuId, PromptJob job, boolean success, GpuHoldings holdings, Duration onDevice)
      implements GpuReport {}

  /** A prompt has ended. Those of one device end in the order in which they started. */
  record Finished(int gpuId, PromptEvent.Ended end, GpuFigures figures) implements GpuReport {}

  /** What the device holds has changed without a prompt. */
  record Holds(int gpuId, GpuHoldings holdings) implements GpuReport {}

  /**
   * The device has failed and is being restarted. What had left it before ends all the same.
   *
   * @param interrupted the prompt that ran on it, to be run again, or null
   */
  record Down(int gpuId, @Nullable PromptJob interrupted, String reason) implements GpuReport {}

  /** The device works again after {@link Down}. */
  record Up(int gpuId, GpuHoldings holdings) implements GpuReport {}

  /**
   * The device has failed so that only a new process can use it again. What had left it before ends
   * all the same.
   *
   * @param interrupted the prompt that ran on it or hangs after it, to be run again, or null
   */
  record Lost(int gpuId, @Nullable PromptJob interrupted, String reason) implements GpuReport {}
}
