package quartet.tensor.cuda;

import quartet.tensor.Conv2dGeometry;
import quartet.tensor.DType;
import quartet.tensor.Parameters;

/**
 * Parameters in the form the kernels read. Addresses belong to the {@link CudaParameters} that made
 * them; using one after that is closed throws.
 */
sealed interface DeviceWeights {
  /** Who owns the memory. */
  CudaParameters owner();

  /**
   * A matrix product, weight {@code [outWidth, inWidth]}.
   *
   * @param bias of the same type, or 0
   */
  record Linear(CudaParameters owner, int inWidth, int outWidth, DType type, long weight, long bias)
      implements DeviceWeights, Parameters.Linear {}

  /**
   * A convolution, weight {@code [wideOut, k, k, wideIn]}: channels are rounded up to a multiple of
   * eight, as tensor cores want them, and filled with zeros.
   */
  record Conv(
      CudaParameters owner,
      int inChannels,
      int outChannels,
      int wideIn,
      int wideOut,
      Conv2dGeometry geometry,
      DType type,
      long weight,
      long bias)
      implements DeviceWeights, Parameters.Conv2d {}

  /** Scale and shift in float32; what they are applied to is of the given type. */
  record Norm(CudaParameters owner, int channels, DType type, long scale, long shift)
      implements DeviceWeights, Parameters.Norm {}

  /** A table {@code [rows, width]}. */
  record Table(CudaParameters owner, int rows, int width, DType type, long numbers)
      implements DeviceWeights, Parameters.Table {}
}
