package quartet.engine.model.lora;

import java.util.stream.IntStream;
import quartet.tensor.Shape;

/**
 * Numbers on the host with a shape, as a change's factors are multiplied.
 *
 * <p>Thread: products use the common pool; a change to a large layer is millions of
 * multiplications.
 */
@SuppressWarnings("ArrayRecordComponent") // lives while one tensor is changed
record Matrix(float[] values, Shape shape) {
  int rows() {
    return shape.dim(0);
  }

  /** Everything but the outermost extent. */
  int columns() {
    return shape.dim(0) == 0 ? 0 : Math.toIntExact(shape.elements() / shape.dim(0));
  }

  /** {@code this [R, K] * other [K, C] = [R, C]}, both flattened behind their outermost extent. */
  Matrix times(Matrix other) {
    int inner = columns();
    if (inner != other.rows()) {
      throw new IllegalArgumentException(
          "%s does not multiply with %s".formatted(shape, other.shape));
    }
    int columns = other.columns();
    float[] out = new float[Math.multiplyExact(rows(), columns)];
    IntStream.range(0, rows())
        .parallel()
        .forEach(
            row -> {
              int to = row * columns;
              for (int k = 0; k < inner; k++) {
                float factor = values[row * inner + k];
                int from = k * columns;
                for (int c = 0; c < columns; c++) {
                  out[to + c] += factor * other.values[from + c];
                }
              }
            });
    return new Matrix(out, Shape.of(rows(), columns));
  }

  /** {@code [R, C] -> [C, R]}. */
  Matrix transposed() {
    int rows = rows();
    int columns = columns();
    float[] out = new float[values.length];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        out[c * rows + r] = values[r * columns + c];
      }
    }
    return new Matrix(out, Shape.of(columns, rows));
  }

  /** Number by number; both have as many. */
  Matrix timesEach(Matrix other) {
    if (values.length != other.values.length) {
      throw new IllegalArgumentException("%s and %s differ".formatted(shape, other.shape));
    }
    float[] out = new float[values.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = values[i] * other.values[i];
    }
    return new Matrix(out, shape);
  }

  /**
   * The core of a Tucker decomposition between its two factors: {@code out[p, r, ...] = sum over i,
   * j of core[i, j, ...] * right[j, r] * left[i, p]}.
   */
  static Matrix tucker(Matrix core, Matrix right, Matrix left) {
    int ranks = core.rows();
    int second = core.shape.dim(1);
    int kernel = core.columns() / second;
    int in = right.columns();
    // [i, j, k] -> per i: right^T [in, j] * core_i [j, k] = [in, k]
    float[] half = new float[ranks * in * kernel];
    Matrix turned = right.transposed();
    for (int i = 0; i < ranks; i++) {
      float[] slice =
          java.util.Arrays.copyOfRange(core.values, i * second * kernel, (i + 1) * second * kernel);
      Matrix product = turned.times(new Matrix(slice, Shape.of(second, kernel)));
      System.arraycopy(product.values, 0, half, i * in * kernel, in * kernel);
    }
    return left.transposed().times(new Matrix(half, Shape.of(ranks, (long) in * kernel)));
  }

  /**
   * Kronecker product of {@code [a, b]} with {@code [c, d, ...]}: {@code [a*c, b*d, ...]}. Source:
   * Van Loan 2000.
   */
  static Matrix kronecker(Matrix first, Matrix second) {
    int a = first.rows();
    int b = first.columns();
    int c = second.rows();
    int d = second.shape.rank() > 1 ? second.shape.dim(1) : 1;
    int kernel = second.columns() / d;
    float[] out = new float[a * b * c * d * kernel];
    for (int i = 0; i < a; i++) {
      for (int j = 0; j < b; j++) {
        float factor = first.values[i * b + j];
        for (int k = 0; k < c; k++) {
          for (int l = 0; l < d; l++) {
            int to = ((i * c + k) * (b * d) + j * d + l) * kernel;
            int from = (k * d + l) * kernel;
            for (int n = 0; n < kernel; n++) {
              out[to + n] = factor * second.values[from + n];
            }
          }
        }
      }
    }
    return new Matrix(out, Shape.of((long) a * c, (long) b * d * kernel));
  }
}
