package quartet.tensor.cpu.reference;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.DeviceMemory;
import quartet.tensor.Parameters;
import quartet.tensor.TensorScope;
import quartet.tensor.cpu.core.CpuScope;
import quartet.tensor.cpu.core.Storage;

/**
 * A backend one can check by reading it. Numbers are float32 in Java arrays; every sum runs in
 * double, in index order, and is rounded once at the end of an op.
 *
 * <p>Thread: one at a time, but for {@link #memory}.
 */
public final class ReferenceBackend implements Backend {
  private final Device device;
  private final AtomicLong scopeBytes = new AtomicLong();
  private final AtomicLong parameterBytes = new AtomicLong();
  private final List<CpuScope> roots = new ArrayList<>();
  private final List<ReferenceParameters> parameters = new ArrayList<>();

  /** A backend for one device. */
  public ReferenceBackend(Device device) {
    this.device = device;
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public String description() {
    return "CPU reference, plain Java loops";
  }

  @Override
  public TensorScope openScope(String purpose) {
    CpuScope scope =
        CpuScope.root(device, purpose, this::allocate, ReferenceOps::new, roots::remove);
    roots.add(scope);
    return scope;
  }

  @Override
  public Parameters openParameters(String sourceId) {
    ReferenceParameters opened = new ReferenceParameters(parameterBytes, parameters::remove);
    parameters.add(opened);
    return opened;
  }

  @Override
  public DeviceMemory memory() {
    Runtime heap = Runtime.getRuntime();
    long free = heap.maxMemory() - heap.totalMemory() + heap.freeMemory();
    return new DeviceMemory(heap.maxMemory(), free, scopeBytes.get(), parameterBytes.get());
  }

  @Override
  public void close() {
    List.copyOf(roots).forEach(CpuScope::close);
    List.copyOf(parameters).forEach(ReferenceParameters::close);
  }

  private Storage allocate(long byteSize) {
    MemorySegment segment =
        MemorySegment.ofArray(new float[Math.toIntExact(byteSize / Float.BYTES)]);
    scopeBytes.addAndGet(byteSize);
    return new Storage(segment, () -> scopeBytes.addAndGet(-byteSize));
  }
}
