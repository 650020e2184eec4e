package quartet.cluster.queue;

import java.util.Comparator;
import org.jspecify.annotations.Nullable;
import quartet.cluster.placement.PromptWork;

/**
 * A prompt that waits, as the queue sees it: no JSON, only what decides about its turn.
 *
 * @param client whose share it counts against
 * @param rank larger ranks go first, whoever's they are
 * @param number its place among its client's prompts; smaller runs first
 * @param acceptedMillis when it was accepted
 * @param pinnedTo the only device it may run on, or null for any
 * @param deadlineMillis when it must have started, or null
 */
public record Waiting(
    String promptId,
    String client,
    int rank,
    double number,
    long acceptedMillis,
    @Nullable Integer pinnedTo,
    @Nullable Long deadlineMillis,
    PromptWork work) {
  /** Ran when the server ended; goes before everything. */
  public static final int INTERRUPTED = 1_000_000;

  /** Asked to go to the front. */
  public static final int FRONT = 100_000;

  /** The largest priority that clients may ask for; the smallest is its negative. */
  public static final int MAX_PRIORITY = 1000;

  /** Order among the prompts of one client. */
  static final Comparator<Waiting> OWN_ORDER =
      Comparator.comparingInt(Waiting::rank)
          .reversed()
          .thenComparingLong(Waiting::deadlineOrNever)
          .thenComparingDouble(Waiting::number)
          .thenComparingLong(Waiting::acceptedMillis)
          .thenComparing(Waiting::promptId);

  private long deadlineOrNever() {
    return deadlineMillis == null ? Long.MAX_VALUE : deadlineMillis;
  }

  /** Whether it may run there. */
  public boolean mayRunOn(int gpuId) {
    return pinnedTo == null || pinnedTo == gpuId;
  }

  /** The same for another device; null for any. */
  public Waiting pinned(@Nullable Integer gpuId) {
    return new Waiting(promptId, client, rank, number, acceptedMillis, gpuId, deadlineMillis, work);
  }

  /** The same at another place. */
  public Waiting at(String otherClient, int otherRank, double otherNumber) {
    return new Waiting(
        promptId,
        otherClient,
        otherRank,
        otherNumber,
        acceptedMillis,
        pinnedTo,
        deadlineMillis,
        work);
  }
}
