package quartet.tensor.cuda;

import org.jspecify.annotations.Nullable;
import quartet.tensor.DType;
import quartet.tensor.Device;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/**
 * A tensor in device memory: a view of a storage, owned by one scope at a time. Rows of the
 * innermost dimension may lie further apart than they are long (columns of a wider result); {@link
 * CudaScope#dense} makes a contiguous one where an op needs it.
 */
final class CudaTensor implements Tensor {
  private final CudaStorage storage;
  private final long offset;
  private final Shape shape;
  private final DType dtype;
  private final long rowStride;
  private final Device device;
  private @Nullable CudaScope owner;

  /**
   * A view.
   *
   * @param offset bytes into the storage
   * @param rowStride elements from one row to the next
   */
  CudaTensor(
      CudaStorage storage,
      long offset,
      Shape shape,
      DType dtype,
      long rowStride,
      Device device,
      CudaScope owner) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.dtype = dtype;
    this.rowStride = rowStride;
    this.device = device;
    this.owner = owner;
  }

  @Override
  public Shape shape() {
    return shape;
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  @Override
  public Device device() {
    return device;
  }

  /**
   * Where its numbers are.
   *
   * @throws IllegalStateException if the owning scope has closed
   */
  long address() {
    if (owner == null) {
      throw new IllegalStateException(
          "tensor %s %s on %s is used after its scope has closed".formatted(dtype, shape, device));
    }
    return storage.address() + offset;
  }

  long rowStride() {
    return rowStride;
  }

  boolean isDense() {
    return shape.rank() == 0 || rowStride == shape.dim(-1) || shape.rows() <= 1;
  }

  long byteSize() {
    return shape.elements() * dtype.byteSize();
  }

  long offset() {
    return offset;
  }

  CudaStorage storage() {
    return storage;
  }

  @Nullable CudaScope owner() {
    return owner;
  }

  void moveTo(CudaScope scope) {
    owner = scope;
  }

  void free() {
    if (owner != null) {
      owner = null;
      storage.release();
    }
  }

  @Override
  public String toString() {
    return "%s %s on %s".formatted(dtype, shape, device);
  }
}
