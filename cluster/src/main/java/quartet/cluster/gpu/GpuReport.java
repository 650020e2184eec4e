package quartet.cluster.gpu;

import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;

/** What the front actor hears from a device. */
public sealed interface GpuReport {
  /** The number of the device. */
  int gpuId();

  /** Something happened to a running prompt; never its end. */
  record Happened(int gpuId, PromptEvent.OfPrompt event) implements GpuReport {}

  /** A prompt has ended, and the device can take the next one. */
  record Finished(int gpuId, PromptEvent.Ended end, GpuHoldings holdings, GpuFigures figures)
      implements GpuReport {}

  /** What the device holds has changed without a prompt. */
  record Holds(int gpuId, GpuHoldings holdings) implements GpuReport {}

  /**
   * The device has failed and is being restarted.
   *
   * @param interrupted the prompt that ran, to be run again, or null
   */
  record Down(int gpuId, @Nullable PromptJob interrupted, String reason) implements GpuReport {}

  /** The device works again after {@link Down}. */
  record Up(int gpuId, GpuHoldings holdings) implements GpuReport {}

  /**
   * The device has failed so that only a new process can use it again.
   *
   * @param interrupted the prompt that ran, to be run again, or null
   */
  record Lost(int gpuId, @Nullable PromptJob interrupted, String reason) implements GpuReport {}
}
