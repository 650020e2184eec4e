package quartet.cluster.placement;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a server tells the others of itself a few times a second.
 *
 * @param node its name
 * @param epoch tells its starts apart
 * @param version of the product
 * @param http where its API answers, as the other servers reach it
 * @param open prompts that it has to bring to an end
 * @param capacity of these, before it refuses new ones
 * @param waiting prompts that wait there
 * @param givable of these, those that could run elsewhere
 * @param takes whether it takes new prompts; not while it is emptied
 * @param counter the number that its next prompt would get
 * @param models checkpoint files that it has
 */
public record NodeOutlook(
    String node,
    long epoch,
    String version,
    String http,
    List<GpuOutlook> gpus,
    int open,
    int capacity,
    int waiting,
    int givable,
    boolean takes,
    long counter,
    Set<String> models) {
  /** Copies the collections. */
  public NodeOutlook {
    gpus = List.copyOf(gpus);
    models = Set.copyOf(models);
  }

  /** Whether it could have one more prompt of these checkpoints. */
  public boolean canTake(PromptWork work) {
    return takes
        && open < capacity
        && gpus.stream().anyMatch(GpuOutlook::usable)
        && (models.isEmpty() || models.containsAll(work.checkpoints()));
  }

  /** Seconds until a prompt would be done here, or empty if no device takes prompts. */
  public Optional<Double> finishSeconds(PromptWork work) {
    return best(work).map(gpu -> gpu.freeInSeconds() + gpu.seconds(work));
  }

  private Optional<GpuOutlook> best(PromptWork work) {
    return gpus.stream()
        .filter(GpuOutlook::usable)
        .min(Comparator.comparingDouble(gpu -> gpu.freeInSeconds() + gpu.seconds(work)));
  }

  /** Devices that could start a prompt now. */
  public int idle() {
    return (int) gpus.stream().filter(gpu -> GpuOutlook.IDLE.equals(gpu.state())).count();
  }

  /** The same server with one more prompt, until it tells of that itself. */
  public NodeOutlook after(PromptWork work) {
    Optional<GpuOutlook> best = best(work);
    List<GpuOutlook> then = new ArrayList<>(gpus);
    best.ifPresent(gpu -> then.set(gpus.indexOf(gpu), gpu.after(gpu.seconds(work))));
    return new NodeOutlook(
        node, epoch, version, http, then, open + 1, capacity, waiting, givable, takes, counter,
        models);
  }
}
