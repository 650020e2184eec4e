package quartet.tensor.cpu;

/**
 * A 3x3 convolution of stride 1 as 16 matrix products. Source: Lavin and Gray 2015, algorithm 1.
 *
 * <p>F(2x2, 3x3) does 2.25 times fewer multiplications than the direct form and keeps float32's
 * accuracy (its constants are 0, 1 and 1/2). Two ways through:
 *
 * <ul>
 *   <li>blocks: each chunk transforms, multiplies and transforms back some tiles whose numbers stay
 *       in the core's own cache. For large images.
 *   <li>phases: all patches, then the products by position, then all pixels. For small images with
 *       many channels, where blocks would read the weights (16/9 of the filter's size) again and
 *       again, and where few blocks would leave cores idle.
 * </ul>
 */
final class WinogradConv {
  /** Numbers of one block's patches and sums: three quarters of a 1 MiB second-level cache. */
  private static final long BLOCK_FLOATS = 196_608;

  private static final int LEAST_TILES = 32;
  private static final int MOST_TILES = 192;

  /** Above this size the weights do not stay in the second-level cache beside a block. */
  private static final long LARGE_WEIGHT_FLOATS = 1L << 20;

  /** Phases keep patches and sums of the whole batch: 128 MiB at most. */
  private static final long PHASE_FLOATS = 1L << 25;

  private static final int FEW_BLOCKS = 8;
  private static final int PHASE_TILES = 64;
  private static final int PRODUCT_TILES = 256;

  private final CpuHost host;

  WinogradConv(CpuHost host) {
    this.host = host;
  }

  /**
   * @param residual like the result, or 0
   * @param workspace gives room that lives until the op ends
   */
  void run(
      Prepared.Conv conv,
      long x,
      int batch,
      int height,
      int width,
      long residual,
      long out,
      Workspace workspace) {
    Winograd tiling = new Winograd(height, width, conv);
    long tiles = (long) batch * tiling.tilesPerImage();
    long widths = (long) conv.inChannels() + conv.outChannels();
    long fitting = BLOCK_FLOATS / (Winograd.POSITIONS * widths) / 16 * 16;
    int perBlock = Math.clamp(fitting, LEAST_TILES, MOST_TILES);
    long blocks = (tiles + perBlock - 1) / perBlock;
    boolean large =
        (long) Winograd.POSITIONS * conv.inChannels() * conv.outChannels() > LARGE_WEIGHT_FLOATS;
    boolean fits = tiles * Winograd.POSITIONS * widths <= PHASE_FLOATS;
    if (fits && (large || blocks < FEW_BLOCKS)) {
      phases(tiling, conv, x, tiles, residual, out, workspace);
    } else {
      int size = large ? MOST_TILES : perBlock;
      blocks(tiling, conv, x, tiles, size, residual, out, workspace);
    }
  }

  private void blocks(
      Winograd tiling,
      Prepared.Conv conv,
      long x,
      long tiles,
      int perBlock,
      long residual,
      long out,
      Workspace workspace) {
    long patchStride = Winograd.stride(perBlock, conv.inChannels());
    long sumStride = Winograd.stride(perBlock, conv.outChannels());
    long patchBytes = Winograd.POSITIONS * patchStride;
    long sumBytes = Winograd.POSITIONS * sumStride;
    long zeros = workspace.zeros(conv.inChannels());
    int chunks = Math.toIntExact((tiles + perBlock - 1) / perBlock);
    host.threads()
        .run(
            chunks,
            (chunk, scratch) -> {
              long first = (long) chunk * perBlock;
              int count = (int) Math.min(perBlock, tiles - first);
              long patches = scratch.floats((patchBytes + sumBytes) / Float.BYTES);
              long sums = patches + patchBytes;
              tiling.scatterPatches(x, first, count, patches, patchStride, zeros);
              for (int position = 0; position < Winograd.POSITIONS; position++) {
                multiply(
                    conv,
                    position,
                    count,
                    patches + position * patchStride,
                    sums + position * sumStride);
              }
              tiling.gatherPixels(sums, sumStride, first, count, conv.bias(), residual, out);
            });
  }

  private void phases(
      Winograd tiling,
      Prepared.Conv conv,
      long x,
      long tiles,
      long residual,
      long out,
      Workspace workspace) {
    long patchStride = Winograd.stride(tiles, conv.inChannels());
    long sumStride = Winograd.stride(tiles, conv.outChannels());
    long patches = workspace.floats(Winograd.POSITIONS * patchStride / Float.BYTES);
    long sums = workspace.floats(Winograd.POSITIONS * sumStride / Float.BYTES);
    long zeros = workspace.zeros(conv.inChannels());
    int spans = Math.toIntExact((tiles + PHASE_TILES - 1) / PHASE_TILES);
    host.threads()
        .run(
            spans,
            (span, scratch) -> {
              long first = (long) span * PHASE_TILES;
              int count = (int) Math.min(PHASE_TILES, tiles - first);
              long to = patches + first * conv.inChannels() * Float.BYTES;
              tiling.scatterPatches(x, first, count, to, patchStride, zeros);
            });
    int perPosition = Math.toIntExact((tiles + PRODUCT_TILES - 1) / PRODUCT_TILES);
    host.threads()
        .run(
            Winograd.POSITIONS * perPosition,
            (chunk, scratch) -> {
              int position = chunk / perPosition;
              long first = (long) (chunk % perPosition) * PRODUCT_TILES;
              int count = (int) Math.min(PRODUCT_TILES, tiles - first);
              multiply(
                  conv,
                  position,
                  count,
                  patches + position * patchStride + first * conv.inChannels() * Float.BYTES,
                  sums + position * sumStride + first * conv.outChannels() * Float.BYTES);
            });
    host.threads()
        .run(
            spans,
            (span, scratch) -> {
              long first = (long) span * PHASE_TILES;
              int count = (int) Math.min(PHASE_TILES, tiles - first);
              long from = sums + first * conv.outChannels() * Float.BYTES;
              tiling.gatherPixels(from, sumStride, first, count, conv.bias(), residual, out);
            });
  }

  private void multiply(Prepared.Conv conv, int position, int tiles, long patches, long sums) {
    int cin = conv.inChannels();
    int cout = conv.outChannels();
    long weight = conv.weight() + (long) position * cin * cout * Float.BYTES;
    host.gemm().multiply(false, tiles, cout, cin, 1f, patches, cin, weight, cout, 0f, sums, cout);
  }
}
