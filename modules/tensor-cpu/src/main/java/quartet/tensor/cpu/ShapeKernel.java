package quartet.tensor.cpu;

/** Moves numbers without changing them. */
final class ShapeKernel {
  /** Bytes of one chunk. */
  private static final long CHUNK = 1 << 18;

  /** Side of the squares in which a matrix is turned around: both sides fit the L1 cache. */
  private static final int SQUARE = 32;

  private final CpuHost host;

  ShapeKernel(CpuHost host) {
    this.host = host;
  }

  /** Copies {@code bytes} bytes. */
  void copy(long from, long to, long bytes) {
    host.threads()
        .run(
            Math.toIntExact((bytes + CHUNK - 1) / CHUNK),
            (chunk, scratch) -> {
              long first = chunk * CHUNK;
              Native.copy(from + first, to + first, Math.min(CHUNK, bytes - first));
            });
  }

  /**
   * Copies {@code bytes} bytes of each of {@code rows} rows; the rows are {@code fromStep} and
   * {@code toStep} bytes apart.
   */
  void copyRows(long from, long fromStep, long to, long toStep, long bytes, long rows) {
    if (bytes == 0) {
      return;
    }
    long perChunk = Math.max(1, CHUNK / bytes);
    host.threads()
        .run(
            Math.toIntExact((rows + perChunk - 1) / perChunk),
            (chunk, scratch) -> {
              long until = Math.min(rows, (chunk + 1) * perChunk);
              for (long row = chunk * perChunk; row < until; row++) {
                copyRow(from + row * fromStep, to + row * toStep, bytes);
              }
            });
  }

  private static void copyRow(long from, long to, long bytes) {
    long i = 0;
    for (; i + Native.VECTOR_BYTES <= bytes; i += Native.VECTOR_BYTES) {
      Native.store(Native.load(from + i), to + i);
    }
    for (; i < bytes; i += Float.BYTES) {
      Native.set(to + i, Native.get(from + i));
    }
  }

  /** {@code [batch, rows, columns] -> [batch, columns, rows]}. */
  void transpose(long from, int batch, int rows, int columns, long to) {
    int bands = (rows + SQUARE - 1) / SQUARE;
    long itemBytes = (long) rows * columns * Float.BYTES;
    host.threads()
        .run(
            batch * bands,
            (chunk, scratch) -> {
              long item = chunk / bands * itemBytes;
              int first = chunk % bands * SQUARE;
              int until = Math.min(rows, first + SQUARE);
              for (int left = 0; left < columns; left += SQUARE) {
                int right = Math.min(columns, left + SQUARE);
                for (int column = left; column < right; column++) {
                  long out = to + item + ((long) column * rows + first) * Float.BYTES;
                  long in = from + item + ((long) first * columns + column) * Float.BYTES;
                  for (int row = first; row < until; row++) {
                    Native.set(out, Native.get(in));
                    out += Float.BYTES;
                    in += (long) columns * Float.BYTES;
                  }
                }
              }
            });
  }

  void resizeNearest(
      long from,
      int batch,
      int height,
      int width,
      int channels,
      int newHeight,
      int newWidth,
      long to) {
    long pixelBytes = (long) channels * Float.BYTES;
    host.threads()
        .run(
            batch * newHeight,
            (line, scratch) -> {
              long item = line / newHeight;
              long y = (long) (line % newHeight) * height / newHeight;
              long source = from + (item * height + y) * width * pixelBytes;
              long target = to + (long) line * newWidth * pixelBytes;
              for (int x = 0; x < newWidth; x++) {
                long column = (long) x * width / newWidth;
                copyRow(source + column * pixelBytes, target + x * pixelBytes, pixelBytes);
              }
            });
  }

  /** Looks {@code count} rows up. */
  void embedding(Prepared.Table table, long ids, long count, long to) {
    long rowBytes = (long) table.width() * Float.BYTES;
    for (long i = 0; i < count; i++) {
      int id = Native.getInt(ids + i * Integer.BYTES);
      if (id < 0 || id >= table.rows()) {
        throw new IllegalArgumentException(
            "embedding: index %d is outside a table of %d rows".formatted(id, table.rows()));
      }
      copyRow(table.numbers() + id * rowBytes, to + i * rowBytes, rowBytes);
    }
  }
}
