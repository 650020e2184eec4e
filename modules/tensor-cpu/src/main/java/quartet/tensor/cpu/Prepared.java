package quartet.tensor.cpu;

import quartet.tensor.Conv2dGeometry;

/**
 * A parameter in the form the kernels read: float32 off heap, by address.
 *
 * <p>Owner: its {@link ParameterStore.Source}.
 */
sealed interface Prepared {
  /** Bytes it holds. */
  long byteSize();

  /**
   * A matrix product.
   *
   * @param weight {@code [inWidth, outWidth]}: PyTorch's weight transposed
   * @param bias {@code [outWidth]}
   */
  record Linear(int inWidth, int outWidth, long weight, long bias) implements Prepared {
    @Override
    public long byteSize() {
      return ((long) inWidth * outWidth + outWidth) * Float.BYTES;
    }
  }

  /** How a convolution is computed; decided once, by its shape. */
  enum Method {
    /** A matrix product of pixels. */
    POINTWISE,
    /** Winograd F(2x2, 3x3): weight {@code [16, Cin, Cout]}. */
    WINOGRAD,
    /** Dot products along Cin: weight {@code [4, 3, 3, Cin]}, rows beyond Cout zero. */
    THIN,
    /** Patches gathered into rows, then a matrix product: weight {@code [k * k * Cin, Cout]}. */
    PATCHES
  }

  /** A convolution; the weight's form depends on the method. */
  record Conv(
      int inChannels,
      int outChannels,
      Conv2dGeometry geometry,
      Method method,
      long weight,
      long bias,
      long byteSize)
      implements Prepared {}

  /** Scale and shift, {@code [channels]} each. */
  record Norm(int channels, long scale, long shift) implements Prepared {
    @Override
    public long byteSize() {
      return 2L * channels * Float.BYTES;
    }
  }

  /** A table, {@code [rows, width]}. */
  record Table(int rows, int width, long numbers) implements Prepared {
    @Override
    public long byteSize() {
      return (long) rows * width * Float.BYTES;
    }
  }
}
