package quartet.cluster.placement;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/**
 * Which server of a cluster a prompt goes to, and from whom an idle one takes work. Pure.
 *
 * <p>A prompt goes where it should be done first. Its own server is preferred: another one must be
 * clearly sooner, since what is known of it is up to a beat old, and a prompt costs a message.
 */
public final class NodeChoice {
  /** Another server must have it done in this share of the time. */
  private static final double WORTH_SENDING = 0.8;

  /** Sending a prompt and telling of it takes a few milliseconds. */
  private static final double SEND_SECONDS = 0.02;

  private NodeChoice() {}

  /**
   * The server for a prompt.
   *
   * @param own where it was posted
   * @param others servers that are up and answer
   * @return empty if no server has room for it
   */
  public static Optional<NodeOutlook> choose(
      PromptWork work, NodeOutlook own, Collection<NodeOutlook> others) {
    Optional<NodeOutlook> best =
        others.stream()
            .filter(other -> other.canTake(work))
            .min(
                Comparator.comparingDouble((NodeOutlook other) -> finish(work, other))
                    .thenComparing(NodeOutlook::node));
    if (!own.canTake(work)) {
      return best;
    }
    double here = finish(work, own);
    return Optional.of(
        best.filter(other -> finish(work, other) + SEND_SECONDS < here * WORTH_SENDING)
            .orElse(own));
  }

  private static double finish(PromptWork work, NodeOutlook node) {
    return node.finishSeconds(work).orElse(Double.MAX_VALUE);
  }

  /**
   * From whom an idle server takes waiting prompts: who has most of them for each device.
   *
   * @return empty if it has no idle device, work of its own, or nobody has any to give
   */
  public static Optional<NodeOutlook> giver(NodeOutlook idle, Collection<NodeOutlook> others) {
    if (!idle.takes() || idle.idle() == 0 || idle.waiting() > 0) {
      return Optional.empty();
    }
    return others.stream()
        .filter(other -> other.givable() > 0)
        .max(
            Comparator.comparingDouble(
                    (NodeOutlook other) -> other.givable() / (double) Math.max(1, devices(other)))
                .thenComparing(NodeOutlook::node));
  }

  private static long devices(NodeOutlook node) {
    return node.gpus().stream().filter(GpuOutlook::usable).count();
  }
}
