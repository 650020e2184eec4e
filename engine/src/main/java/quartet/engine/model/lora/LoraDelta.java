package quartet.engine.model.lora;

import org.jspecify.annotations.Nullable;
import quartet.engine.model.lora.LoraFile.Role;
import quartet.tensor.Shape;

/**
 * The arithmetic of each kind of change, in float32.
 *
 * <p>Source: Hu et al. 2021, "LoRA", section 4.1; Hyeon-Woo et al. 2022, "FedPara" (LoHa, eq. 3);
 * Yeh et al. 2024, "LyCORIS", section 3 (LoCon, LoHa, LoKr and Tucker forms); Liu et al. 2024,
 * "DoRA", eq. 5, in ComfyUI's form of strength (behaviour).
 */
final class LoraDelta {
  /** Keeps a column of zeros from dividing by zero. Source: float32's machine epsilon. */
  private static final float EPSILON = 1.1920929e-7f;

  private LoraDelta() {}

  /** Changes a weight in place. */
  static void apply(LoraFile.Change change, float[] weight, Shape shape, double strength) {
    if (change.has(Role.SET_WEIGHT)) {
      Matrix value = change.get(Role.SET_WEIGHT);
      fits(change, value.values().length, shape);
      System.arraycopy(value.values(), 0, weight, 0, weight.length);
    }
    if (change.has(Role.DIFF)) {
      add(change, weight, shape, change.get(Role.DIFF), (float) strength);
    }
    @Nullable Scaled delta = delta(change);
    if (delta == null) {
      return;
    }
    fits(change, delta.matrix().values().length, shape);
    if (change.has(Role.DORA_SCALE)) {
      decompose(change, weight, shape, delta, (float) strength);
    } else {
      add(change, weight, shape, delta.matrix(), (float) (strength * delta.scale()));
    }
  }

  /** Changes a bias in place. */
  static void applyToBias(LoraFile.Change change, float[] bias, Shape shape, double strength) {
    add(change, bias, shape, change.get(Role.DIFF_BIAS), (float) strength);
  }

  private record Scaled(Matrix matrix, float scale) {}

  private static @Nullable Scaled delta(LoraFile.Change change) {
    try {
      if (change.has(Role.UP) || change.has(Role.DOWN)) {
        return lowRank(change);
      }
      if (change.has(Role.HADA_W1_A) || change.has(Role.HADA_W2_A)) {
        return hadamard(change);
      }
      if (change.has(Role.LOKR_W1)
          || change.has(Role.LOKR_W1_A)
          || change.has(Role.LOKR_W2)
          || change.has(Role.LOKR_W2_A)) {
        return kronecker(change);
      }
      return null;
    } catch (IllegalArgumentException e) {
      throw change.unfit("has factors that do not fit each other: " + e.getMessage());
    }
  }

  private static Scaled lowRank(LoraFile.Change change) {
    Matrix up = change.get(Role.UP);
    Matrix down = change.get(Role.DOWN);
    float scale = scale(change, down.rows());
    if (change.has(Role.MID)) {
      Matrix mid = change.get(Role.MID); // [r, r, k, k]
      int ranks = mid.rows();
      int kernel = mid.columns() / mid.shape().dim(1);
      int in = down.columns();
      // down'[a, i, k] = sum over b of down[b, i] * mid[a, b, k]
      float[] wide = new float[ranks * in * kernel];
      Matrix turned = down.transposed(); // [in, r]
      for (int a = 0; a < ranks; a++) {
        int length = mid.columns();
        float[] slice = java.util.Arrays.copyOfRange(mid.values(), a * length, (a + 1) * length);
        Matrix product = turned.times(new Matrix(slice, Shape.of(mid.shape().dim(1), kernel)));
        System.arraycopy(product.values(), 0, wide, a * in * kernel, in * kernel);
      }
      down = new Matrix(wide, Shape.of(ranks, (long) in * kernel));
    }
    return new Scaled(up.times(down), scale);
  }

  private static Scaled hadamard(LoraFile.Change change) {
    Matrix firstA = change.get(Role.HADA_W1_A);
    Matrix firstB = change.get(Role.HADA_W1_B);
    Matrix secondA = change.get(Role.HADA_W2_A);
    Matrix secondB = change.get(Role.HADA_W2_B);
    float scale = scale(change, firstB.rows());
    if (change.has(Role.HADA_T1)) {
      Matrix first = Matrix.tucker(change.get(Role.HADA_T1), firstB, firstA);
      Matrix second = Matrix.tucker(change.get(Role.HADA_T2), secondB, secondA);
      return new Scaled(first.timesEach(second), scale);
    }
    return new Scaled(firstA.times(firstB).timesEach(secondA.times(secondB)), scale);
  }

  private static Scaled kronecker(LoraFile.Change change) {
    int rank = 0;
    Matrix first;
    if (change.has(Role.LOKR_W1)) {
      first = change.get(Role.LOKR_W1);
    } else {
      Matrix right = change.get(Role.LOKR_W1_B);
      rank = right.rows();
      first = change.get(Role.LOKR_W1_A).times(right);
    }
    Matrix second;
    if (change.has(Role.LOKR_W2)) {
      second = change.get(Role.LOKR_W2);
    } else {
      Matrix right = change.get(Role.LOKR_W2_B);
      rank = right.rows();
      Matrix left = change.get(Role.LOKR_W2_A);
      if (change.has(Role.LOKR_T2)) {
        Matrix core = change.get(Role.LOKR_T2);
        Matrix product = Matrix.tucker(core, right, left);
        int kernel = core.columns() / core.shape().dim(1);
        second = new Matrix(product.values(), Shape.of(product.rows(), right.columns(), kernel));
      } else {
        second = left.times(right);
      }
    }
    return new Scaled(Matrix.kronecker(first, second), rank == 0 ? 1f : scale(change, rank));
  }

  private static float scale(LoraFile.Change change, int rank) {
    Float alpha = change.alpha();
    return alpha == null ? 1f : alpha / rank;
  }

  private static void add(
      LoraFile.Change change, float[] weight, Shape shape, Matrix delta, float factor) {
    fits(change, delta.values().length, shape);
    float[] values = delta.values();
    for (int i = 0; i < weight.length; i++) {
      weight[i] += factor * values[i];
    }
  }

  private static void fits(LoraFile.Change change, int count, Shape shape) {
    if (count != shape.elements()) {
      throw change.unfit(
          "gives %d numbers where the model has %s: it was trained for another model"
              .formatted(count, shape));
    }
  }

  /** Direction by the change, length by a learned vector. */
  private static void decompose(
      LoraFile.Change change, float[] weight, Shape shape, Scaled delta, float strength) {
    Matrix lengths = change.get(Role.DORA_SCALE);
    int rows = shape.dim(0);
    int columns = weight.length / rows;
    boolean perRow = lengths.rows() == rows;
    int kernel = shape.rank() == 4 ? shape.dim(2) * shape.dim(3) : 1;
    int inputs = columns / kernel;
    if (lengths.values().length != (perRow ? rows : inputs)) {
      throw change.unfit(
          "has %d lengths where the model has %s".formatted(lengths.values().length, shape));
    }
    float[] moved = new float[weight.length];
    for (int i = 0; i < weight.length; i++) {
      moved[i] = weight[i] + delta.scale() * delta.matrix().values()[i];
    }
    double[] squares = new double[perRow ? rows : inputs];
    for (int i = 0; i < weight.length; i++) {
      float value = perRow ? weight[i] : moved[i];
      squares[place(i, columns, kernel, perRow)] += (double) value * value;
    }
    for (int i = 0; i < weight.length; i++) {
      int at = place(i, columns, kernel, perRow);
      float norm = (float) Math.sqrt(squares[at]) + EPSILON;
      float target = moved[i] * (lengths.values()[at] / norm);
      weight[i] += strength * (target - weight[i]);
    }
  }

  private static int place(int index, int columns, int kernel, boolean perRow) {
    return perRow ? index / columns : index % columns / kernel;
  }
}
