package quartet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import quartet.tensor.Activation;

/**
 * What follows a matrix product, on a block of its rows while they are still in the cache.
 *
 * <p>One loop per activation: the switch stands outside, so that each loop compiles to straight
 * vector code.
 */
final class Epilogue {
  private Epilogue() {}

  /**
   * {@code c = activation(c + bias) [+ residual]} on a block.
   *
   * @param c first number of the block; rows are {@code step} floats apart
   * @param bias first of {@code columns} numbers
   * @param residual laid out like c, or 0
   */
  static void apply(
      long c, long rows, long columns, long step, long bias, Activation activation, long residual) {
    for (long row = 0; row < rows; row++) {
      long offset = row * step * Float.BYTES;
      long added = residual == 0 ? 0 : residual + offset;
      switch (activation) {
        case NONE -> plain(c + offset, columns, bias, added);
        case SILU -> silu(c + offset, columns, bias, added);
        case QUICK_GELU -> quickGelu(c + offset, columns, bias, added);
        case GELU -> gelu(c + offset, columns, bias, added);
      }
    }
  }

  private static void plain(long c, long columns, long bias, long residual) {
    long full = columns - columns % Native.LANES;
    for (long i = 0; i < full * Float.BYTES; i += Native.VECTOR_BYTES) {
      FloatVector y = Native.load(c + i).add(Native.load(bias + i));
      Native.store(residual == 0 ? y : y.add(Native.load(residual + i)), c + i);
    }
    tail(c, columns, full, bias, Activation.NONE, residual);
  }

  private static void silu(long c, long columns, long bias, long residual) {
    long full = columns - columns % Native.LANES;
    for (long i = 0; i < full * Float.BYTES; i += Native.VECTOR_BYTES) {
      FloatVector y = VectorMath.silu(Native.load(c + i).add(Native.load(bias + i)));
      Native.store(residual == 0 ? y : y.add(Native.load(residual + i)), c + i);
    }
    tail(c, columns, full, bias, Activation.SILU, residual);
  }

  private static void quickGelu(long c, long columns, long bias, long residual) {
    long full = columns - columns % Native.LANES;
    for (long i = 0; i < full * Float.BYTES; i += Native.VECTOR_BYTES) {
      FloatVector y = VectorMath.quickGelu(Native.load(c + i).add(Native.load(bias + i)));
      Native.store(residual == 0 ? y : y.add(Native.load(residual + i)), c + i);
    }
    tail(c, columns, full, bias, Activation.QUICK_GELU, residual);
  }

  private static void gelu(long c, long columns, long bias, long residual) {
    long full = columns - columns % Native.LANES;
    for (long i = 0; i < full * Float.BYTES; i += Native.VECTOR_BYTES) {
      FloatVector y = VectorMath.gelu(Native.load(c + i).add(Native.load(bias + i)));
      Native.store(residual == 0 ? y : y.add(Native.load(residual + i)), c + i);
    }
    tail(c, columns, full, bias, Activation.GELU, residual);
  }

  private static void tail(
      long c, long columns, long full, long bias, Activation activation, long residual) {
    if (full == columns) {
      return;
    }
    VectorMask<Float> mask = Native.tail(columns);
    long i = full * Float.BYTES;
    FloatVector y =
        VectorMath.activate(Native.load(c + i, mask).add(Native.load(bias + i, mask)), activation);
    Native.store(residual == 0 ? y : y.add(Native.load(residual + i, mask)), c + i, mask);
  }

  /**
   * {@code out = (value + bias) * gelu(gate + gateBias)} on a block.
   *
   * @param values rows {@code columns} floats apart
   * @param gates likewise
   * @param out rows {@code step} floats apart
   */
  static void geglu(
      long values,
      long gates,
      long rows,
      long columns,
      long bias,
      long gateBias,
      long out,
      long step) {
    long full = columns - columns % Native.LANES;
    VectorMask<Float> mask = Native.tail(columns);
    for (long row = 0; row < rows; row++) {
      long from = row * columns * Float.BYTES;
      long to = out + row * step * Float.BYTES;
      for (long i = 0; i < full * Float.BYTES; i += Native.VECTOR_BYTES) {
        FloatVector gate = Native.load(gates + from + i).add(Native.load(gateBias + i));
        FloatVector value = Native.load(values + from + i).add(Native.load(bias + i));
        Native.store(value.mul(VectorMath.gelu(gate)), to + i);
      }
      if (full < columns) {
        long i = full * Float.BYTES;
        FloatVector gate = Native.load(gates + from + i, mask).add(Native.load(gateBias + i, mask));
        FloatVector value = Native.load(values + from + i, mask).add(Native.load(bias + i, mask));
        Native.store(value.mul(VectorMath.gelu(gate)), to + i, mask);
      }
    }
  }
}
