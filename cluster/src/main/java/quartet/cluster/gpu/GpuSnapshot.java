package quartet.cluster.gpu;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptJob;
import quartet.cluster.queue.Projection;

/**
 * What a device does at one moment.
 *
 * @param node the server it belongs to, or null for the only one
 * @param ending prompts that have left the device and are being saved, or whose end is being
 *     stored: they are in no history yet, so they still count as running for whoever looks for them
 * @param pending prompts that would run there next, in their order
 * @param planned when and why, one for each pending prompt
 * @param paused whether an operator has stopped it from taking prompts
 * @param unhealthy why it cannot take prompts, or null
 */
public record GpuSnapshot(
    @Nullable String node,
    int gpuId,
    String device,
    Optional<PromptJob> running,
    List<PromptJob> ending,
    List<PromptJob> pending,
    List<Projection.Planned> planned,
    GpuFigures figures,
    boolean paused,
    @Nullable String unhealthy) {
  /** What runs and what has just run, as clients know it: all that is neither waiting nor ended. */
  public List<PromptJob> underWay() {
    return Stream.concat(ending.stream(), running.stream()).toList();
  }

  /** The same with the name of its server. */
  public GpuSnapshot on(String server) {
    return new GpuSnapshot(
        server, gpuId, device, running, ending, pending, planned, figures, paused, unhealthy);
  }

  /** The same without some prompts. */
  public GpuSnapshot without(Set<String> promptIds) {
    Predicate<PromptJob> stays = job -> !promptIds.contains(job.promptId());
    return new GpuSnapshot(
        node,
        gpuId,
        device,
        running.filter(stays),
        ending.stream().filter(stays).toList(),
        pending.stream().filter(stays).toList(),
        planned.stream().filter(one -> !promptIds.contains(one.promptId())).toList(),
        figures,
        paused,
        unhealthy);
  }
}
