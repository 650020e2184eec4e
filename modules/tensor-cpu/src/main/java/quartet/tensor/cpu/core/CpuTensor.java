package quartet.tensor.cpu.core;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import quartet.tensor.DType;
import quartet.tensor.Device;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/**
 * A tensor in host memory: a view of a storage, owned by one scope at a time.
 *
 * <p>Several tensors may look at one storage (reshape, slices of the outermost dimension); each
 * holds a reference, so none can outlive the memory.
 */
public final class CpuTensor implements Tensor {
  private final Storage storage;
  private final MemorySegment view;
  private final Shape shape;
  private final DType dtype;
  private final Device device;
  private @Nullable CpuScope owner;

  CpuTensor(
      Storage storage, long byteOffset, Shape shape, DType dtype, Device device, CpuScope owner) {
    this.storage = storage;
    this.view = storage.segment().asSlice(byteOffset, shape.elements() * dtype.byteSize());
    this.shape = shape;
    this.dtype = dtype;
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
   * The numbers, row-major.
   *
   * @throws IllegalStateException if the owning scope has closed
   */
  public MemorySegment segment() {
    if (owner == null) {
      throw new IllegalStateException(
          "tensor %s %s on %s is used after its scope has closed".formatted(dtype, shape, device));
    }
    return view;
  }

  @Nullable CpuScope owner() {
    return owner;
  }

  void moveTo(CpuScope scope) {
    owner = scope;
  }

  Storage storage() {
    return storage;
  }

  /** Where in the storage the view begins. */
  long byteOffset() {
    return view.address() - storage.segment().address();
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
