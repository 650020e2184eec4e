package quartet.tensor.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.DeviceMemory;
import quartet.tensor.Parameters;
import quartet.tensor.TensorScope;
import quartet.tensor.cpu.core.CpuScope;

/**
 * One virtual CPU device: its own ledger, the host's cores and parameters.
 *
 * <p>Units: float32, NHWC. Thread: the device's own, but for {@link #memory}.
 */
public final class CpuBackend implements Backend {
  private final CpuHost host;
  private final Device device;
  private final AtomicLong liveBytes = new AtomicLong();
  private final List<CpuScope> roots = new ArrayList<>();
  private final List<CpuParameters> parameters = new CopyOnWriteArrayList<>();

  /** A device on a host. */
  public CpuBackend(CpuHost host, Device device) {
    this.host = host;
    this.device = device;
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public String description() {
    return host.description();
  }

  @Override
  public TensorScope openScope(String purpose) {
    CpuScope root =
        CpuScope.root(
            device,
            purpose,
            bytes -> host.blocks().allocate(bytes, liveBytes),
            scope -> new CpuOps(scope, host),
            roots::remove);
    roots.add(root);
    return root;
  }

  @Override
  public Parameters openParameters(String sourceId) {
    CpuParameters opened = new CpuParameters(host.parameters().open(sourceId), parameters::remove);
    parameters.add(opened);
    return opened;
  }

  @Override
  public DeviceMemory memory() {
    long parameterBytes = parameters.stream().mapToLong(CpuParameters::byteSize).sum();
    return new DeviceMemory(
        host.budget().totalBytes(), host.budget().freeBytes(), liveBytes.get(), parameterBytes);
  }

  @Override
  public void close() {
    List.copyOf(roots).forEach(CpuScope::close);
    List.copyOf(parameters).forEach(CpuParameters::close);
  }
}
