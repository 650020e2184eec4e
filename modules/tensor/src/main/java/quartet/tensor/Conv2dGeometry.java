package quartet.tensor;

/**
 * Kernel extent, stride and zero padding of a convolution, in pixels.
 *
 * @param kernel the kernel is {@code kernel x kernel}
 * @param stride in both directions
 */
public record Conv2dGeometry(
    int kernel, int stride, int padTop, int padLeft, int padBottom, int padRight) {
  /** 3x3, stride 1, one pixel of padding: keeps the size. */
  public static final Conv2dGeometry SAME_3X3 = new Conv2dGeometry(3, 1, 1, 1, 1, 1);

  /** 1x1. */
  public static final Conv2dGeometry POINTWISE = new Conv2dGeometry(1, 1, 0, 0, 0, 0);

  /** 3x3, stride 2, padded on all sides: the UNet's downsample. */
  public static final Conv2dGeometry DOWN_3X3 = new Conv2dGeometry(3, 2, 1, 1, 1, 1);

  /** 3x3, stride 2, padded on the right and at the bottom only: the VAE encoder's downsample. */
  public static final Conv2dGeometry DOWN_3X3_RIGHT_BOTTOM = new Conv2dGeometry(3, 2, 0, 0, 1, 1);

  /** Rows that {@code height} rows become. */
  public int outHeight(int height) {
    return (height + padTop + padBottom - kernel) / stride + 1;
  }

  /** Columns that {@code width} columns become. */
  public int outWidth(int width) {
    return (width + padLeft + padRight - kernel) / stride + 1;
  }
}
