package quartet.api;

import org.jspecify.annotations.Nullable;
import quartet.api.serve.BackendFactory;
import quartet.api.serve.ServeError;
import quartet.errors.EngineException;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.cpu.CpuBackend;
import quartet.tensor.cpu.CpuHost;
import quartet.tensor.cpu.CpuSettings;

/**
 * The backends of this build. All virtual CPU devices share one host: its threads and its copy of
 * the weights.
 */
final class LocalBackends implements BackendFactory {
  private @Nullable CpuHost cpu;

  @Override
  public synchronized Backend open(Device device) {
    return switch (device.kind()) {
      case CPU -> {
        CpuHost host = cpu;
        if (host == null) {
          host = new CpuHost(CpuSettings.ofThisMachine());
          cpu = host;
        }
        yield new CpuBackend(host, device);
      }
      case CUDA, SIM ->
          throw new EngineException(
              ServeError.NO_BACKEND,
              "This build cannot compute on %s; it has a CPU backend. Use --devices cpu:1"
                  .formatted(device));
    };
  }

  @Override
  public synchronized void close() {
    if (cpu != null) {
      cpu.close();
      cpu = null;
    }
  }
}
