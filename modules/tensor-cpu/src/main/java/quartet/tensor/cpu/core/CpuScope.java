package quartet.tensor.cpu.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import quartet.tensor.DType;
import quartet.tensor.Device;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * The ownership rules of {@link TensorScope} for tensors in host memory, shared by both CPU
 * backends.
 *
 * <p>A tensor leaves a scope only by {@link #handOver}; freeing it drops one reference of its
 * storage, so a view that was handed over keeps the memory of the block it looks at.
 */
public final class CpuScope implements TensorScope {
  private final Device device;
  private final String purpose;
  private final Storage.Allocator allocator;
  private final Function<CpuScope, Ops> opsFactory;
  private final @Nullable CpuScope parent;
  private final Consumer<CpuScope> onClose;
  private final Ops ops;
  private final Set<CpuTensor> tensors = Collections.newSetFromMap(new IdentityHashMap<>());
  private final List<CpuScope> children = new ArrayList<>();
  private boolean closed;

  private CpuScope(
      Device device,
      String purpose,
      Storage.Allocator allocator,
      Function<CpuScope, Ops> opsFactory,
      @Nullable CpuScope parent,
      Consumer<CpuScope> onClose) {
    this.device = device;
    this.purpose = purpose;
    this.allocator = allocator;
    this.opsFactory = opsFactory;
    this.parent = parent;
    this.onClose = onClose;
    this.ops = opsFactory.apply(this);
  }

  /**
   * A scope without a parent.
   *
   * @param opsFactory makes the ops whose results a given scope owns
   * @param onClose told once, when the scope closes
   */
  public static CpuScope root(
      Device device,
      String purpose,
      Storage.Allocator allocator,
      Function<CpuScope, Ops> opsFactory,
      Consumer<CpuScope> onClose) {
    return new CpuScope(device, purpose, allocator, opsFactory, null, onClose);
  }

  @Override
  public Ops ops() {
    return ops;
  }

  @Override
  public CpuScope child(String childPurpose) {
    requireOpen();
    CpuScope child =
        new CpuScope(
            device, childPurpose, allocator, opsFactory, this, closing -> children.remove(closing));
    children.add(child);
    return child;
  }

  @Override
  public Tensor handOver(Tensor tensor) {
    requireOpen();
    if (parent == null) {
      throw new IllegalStateException(this + " is a root scope: there is nobody to hand over to");
    }
    CpuTensor mine = own(tensor);
    mine.segment();
    if (tensors.remove(mine)) {
      parent.tensors.add(mine);
      mine.moveTo(parent);
      return mine;
    }
    for (CpuScope outer = parent; outer != null; outer = outer.parent) {
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
    Set<Storage> storages = Collections.newSetFromMap(new IdentityHashMap<>());
    for (CpuTensor tensor : tensors) {
      storages.add(tensor.storage());
    }
    return storages.stream().mapToLong(Storage::byteSize).sum();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    for (CpuScope child : List.copyOf(children)) {
      child.close();
    }
    tensors.forEach(CpuTensor::free);
    tensors.clear();
    onClose.accept(this);
  }

  /** A new tensor of undefined content, owned by this scope. */
  public CpuTensor allocate(Shape shape, DType dtype) {
    requireOpen();
    Storage storage = allocator.allocate(shape.elements() * dtype.byteSize());
    CpuTensor tensor = new CpuTensor(storage, 0, shape, dtype, device, this);
    tensors.add(tensor);
    return tensor;
  }

  /** A new float32 tensor of undefined content, owned by this scope. */
  public CpuTensor allocate(Shape shape) {
    return allocate(shape, DType.F32);
  }

  /** Another tensor over a part of the memory of {@code base}, owned by this scope. */
  public CpuTensor view(CpuTensor base, long firstElement, Shape shape) {
    requireOpen();
    base.segment();
    long offset = base.byteOffset() + firstElement * base.dtype().byteSize();
    base.storage().retain();
    CpuTensor tensor = new CpuTensor(base.storage(), offset, shape, base.dtype(), device, this);
    tensors.add(tensor);
    return tensor;
  }

  /**
   * The tensor as one of this device.
   *
   * @throws IllegalArgumentException if it lives elsewhere
   */
  public CpuTensor own(Tensor tensor) {
    if (tensor instanceof CpuTensor mine && mine.device().equals(device)) {
      return mine;
    }
    throw new IllegalArgumentException(
        "tensor %s %s lives on %s, not on %s"
            .formatted(tensor.dtype(), tensor.shape(), tensor.device(), device));
  }

  /** The device of this scope's tensors. */
  public Device device() {
    return device;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(this + " is closed");
    }
  }

  @Override
  public String toString() {
    return "scope '" + purpose + "' on " + device;
  }
}
