package quartet.tensor.cpu;

import quartet.tensor.Activation;
import quartet.tensor.Conv2dGeometry;

/**
 * Any convolution, by gathering each output pixel's patch into a row and multiplying: strided ones,
 * and those with too few channels for Winograd. Source: Chellapilla et al. 2006 (im2col).
 *
 * <p>Rows are gathered a block at a time into the thread's scratch, so the gathered image never
 * exists as a whole; only images of few pixels gather all at once, so that their products can be
 * cut by columns too.
 */
final class PatchConv {
  private static final int BLOCK = 64;
  private static final int FEW_ROWS = 256;

  private final CpuHost host;
  private final LinearKernel linear;

  PatchConv(CpuHost host, LinearKernel linear) {
    this.host = host;
    this.linear = linear;
  }

  /**
   * @param residual like the result, or 0
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
    Conv2dGeometry geometry = conv.geometry();
    Patches patches =
        new Patches(
            x,
            height,
            width,
            conv.inChannels(),
            geometry,
            geometry.outHeight(height),
            geometry.outWidth(width));
    long rows = (long) batch * patches.outHeight * patches.outWidth;
    long inner = (long) geometry.kernel() * geometry.kernel() * conv.inChannels();
    int columns = conv.outChannels();
    int chunks = Math.toIntExact((rows + BLOCK - 1) / BLOCK);
    if (rows <= FEW_ROWS) {
      long gathered = workspace.floats(rows * inner);
      host.threads()
          .run(
              chunks,
              (chunk, scratch) -> {
                long first = (long) chunk * BLOCK;
                long to = gathered + first * inner * Float.BYTES;
                patches.gather(first, Math.min(BLOCK, rows - first), to);
              });
      linear.run(
          gathered,
          rows,
          inner,
          conv.weight(),
          conv.bias(),
          columns,
          Activation.NONE,
          residual,
          out);
      return;
    }
    host.threads()
        .run(
            chunks,
            (chunk, scratch) -> {
              long first = (long) chunk * BLOCK;
              long count = Math.min(BLOCK, rows - first);
              long gathered = scratch.floats(BLOCK * inner);
              patches.gather(first, count, gathered);
              long corner = first * columns * Float.BYTES;
              host.gemm()
                  .multiply(
                      false,
                      count,
                      columns,
                      inner,
                      1f,
                      gathered,
                      inner,
                      conv.weight(),
                      columns,
                      0f,
                      out + corner,
                      columns);
              Epilogue.apply(
                  out + corner,
                  count,
                  columns,
                  columns,
                  conv.bias(),
                  Activation.NONE,
                  residual == 0 ? 0 : residual + corner);
            });
  }

  /** The patches of a batch of images, one per output pixel. */
  private record Patches(
      long x,
      int height,
      int width,
      int channels,
      Conv2dGeometry geometry,
      int outHeight,
      int outWidth) {

    /** Writes rows {@code [ky, kx, Cin]} for {@code count} output pixels from {@code first} on. */
    void gather(long first, long count, long to) {
      int kernel = geometry.kernel();
      long pixelBytes = (long) channels * Float.BYTES;
      for (long row = first; row < first + count; row++) {
        long image = row / ((long) outHeight * outWidth);
        int inImage = (int) (row % ((long) outHeight * outWidth));
        int top = inImage / outWidth * geometry.stride() - geometry.padTop();
        int left = inImage % outWidth * geometry.stride() - geometry.padLeft();
        int from = Math.clamp(-left, 0, kernel);
        int until = Math.clamp(width - left, from, kernel);
        for (int ky = 0; ky < kernel; ky++) {
          int y = top + ky;
          if (y < 0 || y >= height) {
            zero(to, kernel * pixelBytes);
          } else {
            zero(to, from * pixelBytes);
            long source = x + ((image * height + y) * width + left + from) * pixelBytes;
            copy(source, to + from * pixelBytes, (until - from) * pixelBytes);
            zero(to + until * pixelBytes, (kernel - until) * pixelBytes);
          }
          to += kernel * pixelBytes;
        }
      }
    }

    private static void copy(long from, long to, long bytes) {
      long i = 0;
      for (; i + Native.VECTOR_BYTES <= bytes; i += Native.VECTOR_BYTES) {
        Native.store(Native.load(from + i), to + i);
      }
      for (; i < bytes; i += Float.BYTES) {
        Native.set(to + i, Native.get(from + i));
      }
    }

    private static void zero(long to, long bytes) {
      for (long i = 0; i < bytes; i += Float.BYTES) {
        Native.set(to + i, 0f);
      }
    }
  }
}
