package quartet.tensor;

/**
 * An immutable, contiguous, row-major block of numbers on one device. Whoever reads one never
 * changes it; ops make new ones.
 *
 * <p>Owner: the {@link TensorScope} that made it. A tensor used after its scope has closed throws
 * IllegalStateException; it never reads freed memory.
 */
public interface Tensor {
  /** Extents, outermost first. */
  Shape shape();

  /** Element type. */
  DType dtype();

  /** Where it lives. */
  Device device();

  /** Extent of one dimension; negative indices count from the innermost. */
  default int dim(int index) {
    return shape().dim(index);
  }
}
