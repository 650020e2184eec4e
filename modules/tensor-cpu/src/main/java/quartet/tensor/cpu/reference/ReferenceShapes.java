package quartet.tensor.cpu.reference;

/** Moves numbers without changing them. */
final class ReferenceShapes {
  private ReferenceShapes() {}

  /** Rows of {@code xWidth} and of {@code yWidth} numbers next to each other. */
  static void concatLast(float[] x, int xWidth, float[] y, int yWidth, int rows, float[] out) {
    for (int row = 0; row < rows; row++) {
      System.arraycopy(x, row * xWidth, out, row * (xWidth + yWidth), xWidth);
      System.arraycopy(y, row * yWidth, out, row * (xWidth + yWidth) + xWidth, yWidth);
    }
  }

  static void sliceLast(float[] x, int width, int from, int to, int rows, float[] out) {
    for (int row = 0; row < rows; row++) {
      System.arraycopy(x, row * width + from, out, row * (to - from), to - from);
    }
  }

  /** {@code [batch, rows, columns] -> [batch, columns, rows]}. */
  static void transpose(float[] x, int batch, int rows, int columns, float[] out) {
    for (int b = 0; b < batch; b++) {
      for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
          out[(b * columns + column) * rows + row] = x[(b * rows + row) * columns + column];
        }
      }
    }
  }

  static void resizeNearest(
      float[] x,
      int batch,
      int height,
      int width,
      int channels,
      int newHeight,
      int newWidth,
      float[] out) {
    for (int b = 0; b < batch; b++) {
      for (int y = 0; y < newHeight; y++) {
        for (int xx = 0; xx < newWidth; xx++) {
          int sourceY = (int) ((long) y * height / newHeight);
          int sourceX = (int) ((long) xx * width / newWidth);
          System.arraycopy(
              x,
              ((b * height + sourceY) * width + sourceX) * channels,
              out,
              ((b * newHeight + y) * newWidth + xx) * channels,
              channels);
        }
      }
    }
  }

  static void embedding(ReferenceParameters.Rows table, int[] ids, float[] out) {
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= table.rows()) {
        throw new IllegalArgumentException(
            "embedding: index %d is outside a table of %d rows".formatted(ids[i], table.rows()));
      }
      table.numbers().copyTo(ids[i] * table.width(), out, i * table.width(), table.width());
    }
  }
}
