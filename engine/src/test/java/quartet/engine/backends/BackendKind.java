package quartet.engine.backends;

import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.cpu.CpuBackend;
import quartet.tensor.cpu.CpuHost;
import quartet.tensor.cpu.CpuSettings;
import quartet.tensor.cpu.reference.ReferenceBackend;

/** A backend to run a test on. */
public enum BackendKind {
  /** Plain loops. */
  REFERENCE,
  /** The one people use. */
  CPU;

  /** Opens a device of this kind with a host of its own. */
  public Opened open() {
    return switch (this) {
      case REFERENCE -> new Opened(new ReferenceBackend(Device.cpu(0)), () -> {});
      case CPU -> {
        CpuHost host = new CpuHost(CpuSettings.ofThisMachine());
        yield new Opened(new CpuBackend(host, Device.cpu(0)), host::close);
      }
    };
  }

  /** A backend and what must be closed after it. */
  public record Opened(Backend backend, Runnable host) implements AutoCloseable {
    /** Fails if memory is left. */
    @Override
    public void close() {
      if (backend.memory().scopeBytes() != 0 || backend.memory().parameterBytes() != 0) {
        throw new AssertionError("memory left: " + backend.memory());
      }
      backend.close();
      host.run();
    }
  }
}
