package quartet.tensor.cpu;

import quartet.tensor.Activation;

/**
 * Matrix products with bias, activation and residual, cut into blocks of rows and columns.
 *
 * <p>A block's result stays in the cache for its epilogue. The cut follows from the shape alone;
 * few rows (a time embedding, a prompt of 77 tokens) are cut by columns instead, so that all cores
 * have work.
 */
final class LinearKernel {
  private static final long ROWS = 128;
  private static final long COLUMNS = 512;
  private static final long LEAST_COLUMNS = 64;
  private static final long ENOUGH_BLOCKS = 8;

  private final CpuHost host;

  LinearKernel(CpuHost host) {
    this.host = host;
  }

  /** How a product is cut. */
  private record Cut(long rows, long columns, long columnBlocks, int blocks) {
    static Cut of(long rows, long columns) {
      long perBlock = Math.min(COLUMNS, columns);
      long rowBlocks = Math.max(1, (rows + ROWS - 1) / ROWS);
      while (perBlock > LEAST_COLUMNS
          && rowBlocks * ((columns + perBlock - 1) / perBlock) < ENOUGH_BLOCKS) {
        perBlock = Math.max(LEAST_COLUMNS, perBlock / 2 / Native.LANES * Native.LANES);
      }
      long columnBlocks = (columns + perBlock - 1) / perBlock;
      return new Cut(
          Math.min(ROWS, rows), perBlock, columnBlocks, Math.toIntExact(rowBlocks * columnBlocks));
    }
  }

  /**
   * {@code out = activation(x W + bias) [+ residual]}.
   *
   * <p>Shapes: x {@code [rows, inner]}, weight {@code [inner, columns]}, out and residual {@code
   * [rows, columns]}; residual may be 0.
   */
  void run(
      long x,
      long rows,
      long inner,
      long weight,
      long bias,
      long columns,
      Activation activation,
      long residual,
      long out) {
    if (rows == 0 || columns == 0) {
      return;
    }
    Cut cut = Cut.of(rows, columns);
    host.threads()
        .run(
            cut.blocks,
            (block, scratch) -> {
              long row = block / cut.columnBlocks * ROWS;
              long column = block % cut.columnBlocks * cut.columns;
              long height = Math.min(ROWS, rows - row);
              long width = Math.min(cut.columns, columns - column);
              long corner = (row * columns + column) * Float.BYTES;
              multiply(
                  height,
                  width,
                  inner,
                  x + row * inner * Float.BYTES,
                  weight + column * Float.BYTES,
                  columns,
                  out + corner,
                  columns);
              Epilogue.apply(
                  out + corner,
                  height,
                  width,
                  columns,
                  bias + column * Float.BYTES,
                  activation,
                  residual == 0 ? 0 : residual + corner);
            });
  }

  /** {@code value * gelu(gate)} of the two halves of {@code x W + b}; out {@code [rows, half]}. */
  void geglu(long x, long rows, Prepared.Linear linear, long out) {
    long inner = linear.inWidth();
    long columns = linear.outWidth();
    long half = columns / 2;
    if (rows == 0 || half == 0) {
      return;
    }
    Cut cut = Cut.of(rows, half);
    host.threads()
        .run(
            cut.blocks,
            (block, scratch) -> {
              long row = block / cut.columnBlocks * ROWS;
              long column = block % cut.columnBlocks * cut.columns;
              long height = Math.min(ROWS, rows - row);
              long width = Math.min(cut.columns, half - column);
              long values = scratch.floats(2 * height * width);
              long gates = values + height * width * Float.BYTES;
              long from = x + row * inner * Float.BYTES;
              long weight = linear.weight() + column * Float.BYTES;
              long bias = linear.bias() + column * Float.BYTES;
              long toGate = half * Float.BYTES;
              multiply(height, width, inner, from, weight, columns, values, width);
              multiply(height, width, inner, from, weight + toGate, columns, gates, width);
              long corner = out + (row * half + column) * Float.BYTES;
              Epilogue.geglu(values, gates, height, width, bias, bias + toGate, corner, half);
            });
  }

  private void multiply(
      long rows,
      long columns,
      long inner,
      long x,
      long weight,
      long weightStep,
      long out,
      long outStep) {
    host.gemm()
        .multiply(false, rows, columns, inner, 1f, x, inner, weight, weightStep, 0f, out, outStep);
  }
}
