package quartet.cuda;

/**
 * How a kernel is spread over the device.
 *
 * @param gridX blocks in x; y and z likewise
 * @param threads of a block, in x
 * @param sharedBytes dynamic shared memory of a block
 */
public record LaunchShape(int gridX, int gridY, int gridZ, int threads, int sharedBytes) {
  private static final int MAX_GRID_YZ = 65_535;

  /** Checks the bounds that the hardware has. */
  public LaunchShape {
    if (gridX < 1 || gridY < 1 || gridZ < 1 || threads < 1 || threads > 1024) {
      throw new IllegalArgumentException(
          "a grid of %d x %d x %d blocks of %d threads".formatted(gridX, gridY, gridZ, threads));
    }
    if (gridY > MAX_GRID_YZ || gridZ > MAX_GRID_YZ) {
      throw new IllegalArgumentException("grid %d x %d is too large".formatted(gridY, gridZ));
    }
  }

  /** A row of blocks. */
  public static LaunchShape of(long blocks, int threads) {
    return new LaunchShape(Math.toIntExact(blocks), 1, 1, threads, 0);
  }

  /** A plane of blocks. */
  public static LaunchShape of(long blocksX, long blocksY, int threads) {
    return new LaunchShape(Math.toIntExact(blocksX), Math.toIntExact(blocksY), 1, threads, 0);
  }

  /** The same with dynamic shared memory. */
  public LaunchShape shared(int bytes) {
    return new LaunchShape(gridX, gridY, gridZ, threads, bytes);
  }
}
