package quartet.cluster.gpu;

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
 * @param queueCapacity prompts it may hold, the running one included
 * @param worker makes the worker; called on the device's thread, again after each restart
 * @param planner turns a stored prompt back into a plan
 * @param previews takes pictures while a prompt runs
 */
public record GpuSettings(
    int gpuId,
    Device device,
    int queueCapacity,
    Supplier<? extends Worker> worker,
    Planner planner,
    PreviewSink previews) {
  /** Turns a stored prompt back into a plan. */
  @FunctionalInterface
  public interface Planner {
    /** The plan, or empty if the prompt is no longer valid here. */
    Optional<ExecutionPlan> plan(PromptJob job);
  }
}
