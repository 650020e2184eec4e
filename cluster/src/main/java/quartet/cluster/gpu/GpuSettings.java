package quartet.cluster.gpu;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import quartet.cluster.job.PromptJob;
import quartet.engine.device.Worker;
import quartet.engine.graph.ExecutionPlan;
import quartet.tensor.Device;

/**
 * What a device's actor is made of.
 *
 * @param gpuId the number by which operators know it
 * @param worker makes the worker; called on the device's thread, again after each restart
 * @param planner turns a stored prompt back into a plan
 * @param previews takes pictures while a prompt runs
 * @param stuckAfter a prompt that says nothing for so long hangs
 */
public record GpuSettings(
    int gpuId,
    Device device,
    Supplier<? extends Worker> worker,
    Planner planner,
    PreviewSink previews,
    GpuSupervision supervision,
    Duration stuckAfter) {
  /** How long a prompt may be silent unless the operator says otherwise. */
  public static final Duration STUCK_AFTER = Duration.ofMinutes(5);

  /** Turns a stored prompt back into a plan. */
  @FunctionalInterface
  public interface Planner {
    /** The plan, or empty if the prompt is no longer valid here. */
    Optional<ExecutionPlan> plan(PromptJob job);

    /** Why there is none, for the client. */
    default String whyNot(PromptJob job) {
      return "a file or a node it names is gone.";
    }
  }
}
