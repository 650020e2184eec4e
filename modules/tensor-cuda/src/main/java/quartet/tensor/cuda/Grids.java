package quartet.tensor.cuda;

import quartet.cuda.LaunchShape;

/** How many blocks a kernel is worth. */
final class Grids {
  /**
   * Enough to fill the largest cards several times over; threads then take more than one element.
   */
  private static final long MOST_BLOCKS = 132 * 32L;

  private Grids() {}

  /** For kernels in which a thread takes every so many elements. */
  static LaunchShape each(long elements, int threads) {
    long blocks = Math.max(1, (elements + threads - 1) / threads);
    return LaunchShape.of(Math.min(MOST_BLOCKS, blocks), threads);
  }
}
