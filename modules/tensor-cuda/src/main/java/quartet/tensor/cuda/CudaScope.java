package quartet.tensor.cuda;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.tensor.DType;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * The ownership rules of {@link TensorScope} for device memory. Memory comes from the pool that the
 * backend computes in at the time: its own, or a graph's while one is recorded.
 */
final class CudaScope implements TensorScope {
  private final CudaBackend backend;
  private final String purpose;
  private final @Nullable CudaScope parent;
  private final CudaOps ops;
  private final Set<CudaTensor> tensors = Collections.newSetFromMap(new IdentityHashMap<>());
  private final List<CudaScope> children = new ArrayList<>();
  private boolean closed;

  CudaScope(CudaBackend backend, String purpose, @Nullable CudaScope parent) {
    this.backend = backend;
    this.purpose = purpose;
    this.parent = parent;
    this.ops = new CudaOps(this, backend);
  }

  @Override
  public Ops ops() {
    return ops;
  }

  CudaOps cudaOps() {
    return ops;
  }

  @Override
  public CudaScope child(String childPurpose) {
    requireOpen();
    CudaScope child = new CudaScope(backend, childPurpose, this);
    children.add(child);
    return child;
  }

  @Override
  public Tensor handOver(Tensor tensor) {
    requireOpen();
    if (parent == null) {
      throw new IllegalStateException(this + " is a root scope: there is nobody to hand over to");
    }
    CudaTensor mine = own(tensor);
    mine.address();
    if (tensors.remove(mine)) {
      parent.tensors.add(mine);
      mine.moveTo(parent);
      return mine;
    }
    for (CudaScope outer = parent; outer != null; outer = outer.parent) {
      if (outer == mine.owner()) {
        return mine;
      }
    }
    throw new IllegalArgumentException(
        "handOver: %s belongs to %s, which %s is not inside of"
            .formatted(tensor, mine.owner(), this));
  }

  @Override
  public long liveBytes() {
    Set<CudaStorage> storages = Collections.newSetFromMap(new IdentityHashMap<>());
    for (CudaTensor tensor : tensors) {
      storages.add(tensor.storage());
    }
    return storages.stream().mapToLong(CudaStorage::byteSize).sum();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    for (CudaScope child : List.copyOf(children)) {
      child.close();
    }
    tensors.forEach(CudaTensor::free);
    tensors.clear();
    if (parent == null) {
      backend.forget(this);
    } else {
      parent.children.remove(this);
    }
  }

  /** A new tensor of undefined content, owned by this scope. */
  CudaTensor allocate(Shape shape, DType dtype) {
    requireOpen();
    CudaStorage storage =
        new CudaStorage(backend.pool(), Math.max(1, shape.elements() * dtype.byteSize()));
    long rowStride = shape.rank() == 0 ? 1 : shape.dim(-1);
    return adopt(new CudaTensor(storage, 0, shape, dtype, rowStride, backend.device(), this));
  }

  /**
   * Another tensor over a part of the memory of {@code base}.
   *
   * @param first element it begins at
   * @param rowStride elements from row to row
   */
  CudaTensor view(CudaTensor base, long first, Shape shape, long rowStride) {
    requireOpen();
    base.address();
    base.storage().retain();
    return adopt(
        new CudaTensor(
            base.storage(),
            base.offset() + first * base.dtype().byteSize(),
            shape,
            base.dtype(),
            rowStride,
            backend.device(),
            this));
  }

  private CudaTensor adopt(CudaTensor tensor) {
    tensors.add(tensor);
    return tensor;
  }

  /**
   * The tensor as one of this device.
   *
   * @throws IllegalArgumentException if it lives elsewhere
   */
  CudaTensor own(Tensor tensor) {
    if (tensor instanceof CudaTensor mine && mine.device().equals(backend.device())) {
      return mine;
    }
    throw new IllegalArgumentException(
        "tensor %s %s lives on %s, not on %s"
            .formatted(tensor.dtype(), tensor.shape(), tensor.device(), backend.device()));
  }

  /** The tensor itself, or a contiguous copy if its rows lie apart. */
  CudaTensor dense(Tensor tensor) {
    CudaTensor mine = own(tensor);
    return mine.isDense() ? mine : ops.compact(mine);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(this + " is closed");
    }
  }

  @Override
  public String toString() {
    return "scope '" + purpose + "' on " + backend.device();
  }
}
