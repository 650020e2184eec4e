package quartet.cluster.gpu;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptJob;
import quartet.cluster.queue.Projection;

/**
 * What a device does at one moment.
 *
 * @param pending prompts that would run there next, in their order
 * @param planned when and why, one for each pending prompt
 * @param paused whether an operator has stopped it from taking prompts
 * @param unhealthy why it cannot take prompts, or null
 */
public record GpuSnapshot(
    int gpuId,
    String device,
    Optional<PromptJob> running,
    List<PromptJob> pending,
    List<Projection.Planned> planned,
    GpuFigures figures,
    boolean paused,
    @Nullable String unhealthy) {
  /** The same without some prompts. */
  public GpuSnapshot without(Set<String> promptIds) {
    Predicate<PromptJob> stays = job -> !promptIds.contains(job.promptId());
    return new GpuSnapshot(
        gpuId,
        device,
        running.filter(stays),
        pending.stream().filter(stays).toList(),
        planned.stream().filter(one -> !promptIds.contains(one.promptId())).toList(),
        figures,
        paused,
        unhealthy);
  }
}
