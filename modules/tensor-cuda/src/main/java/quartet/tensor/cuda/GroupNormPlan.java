package quartet.tensor.cuda;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How {@code group_norm_held} is spread: the numbers of one group of one batch item are held in the
 * registers of a cluster of blocks, so that they are read once.
 *
 * @param perGroup channels of a group
 * @param words 32-bit words of one access: 1, 2 or 4
 * @param cluster blocks that share a group; more than one needs compute capability 9.0
 * @param threads of a block
 * @param count accesses of a thread, at most
 */
record GroupNormPlan(int perGroup, int words, int cluster, int threads, int count) {
  private static final int[] THREADS = {256, 512, 1024};
  private static final int MOST_CLUSTER = 8;
  private static final int CLUSTERS_SINCE = 90;

  /** Words that a thread holds without losing parallelism, and at most, by threads of a block. */
  private static final int GOOD_WORDS = 24;

  private static final int MOST_WORDS = 32;

  /**
   * The plan for a shape, or null if the numbers do not fit into registers.
   *
   * @param left channels of the first input; {@code right} those of the one beside it, or 0
   * @param multiprocessors of the device, which should all have work
   * @param capability of the device, as 90
   */
  static @Nullable GroupNormPlan of(
      int batch, int pixels, int left, int right, int groups, int multiprocessors, int capability) {
    int perGroup = (left + right) / groups;
    int words = words(perGroup, left, right);
    if (words == 0) {
      return null;
    }
    int most = capability >= CLUSTERS_SINCE ? MOST_CLUSTER : 1;
    GroupNormPlan fits = null;
    for (int cluster = 1; cluster <= most; cluster *= 2) {
      for (int threads : THREADS) {
        // The last block of a cluster may have a pixel more than its share.
        long accesses = (long) (pixels / cluster + 1) * (perGroup / 2 / words);
        long count = (accesses + threads - 1) / threads;
        if (count * words > MOST_WORDS) {
          continue;
        }
        GroupNormPlan plan =
            new GroupNormPlan(perGroup, words, cluster, threads, Math.toIntExact(count));
        boolean busy = (long) batch * groups * cluster >= multiprocessors;
        if (count * words <= GOOD_WORDS && (busy || count * words <= GOOD_WORDS / 4)) {
          return plan;
        }
        fits = plan;
        break;
      }
    }
    return fits;
  }

  /** The widest access that no boundary between groups or inputs cuts; 0 if there is none. */
  private static int words(int perGroup, int left, int right) {
    for (int words = 4; words >= 1; words /= 2) {
      int numbers = 2 * words;
      if (perGroup % numbers == 0 && left % numbers == 0 && right % numbers == 0) {
        return words;
      }
    }
    return 0;
  }

  KernelLibrary.Variant variant(boolean bfloat) {
    return new KernelLibrary.Variant(
        "norm",
        bfloat,
        List.of(
            new KernelLibrary.Definition("PER_GROUP", perGroup),
            new KernelLibrary.Definition("WORDS", words),
            new KernelLibrary.Definition("CLUSTER", cluster),
            new KernelLibrary.Definition("THREADS", threads),
            new KernelLibrary.Definition("COUNT", count)));
  }
}
