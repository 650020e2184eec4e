package quartet.api;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.api.serve.BackendFactory;
import quartet.api.serve.ServeError;
import quartet.api.telemetry.DeviceSensors;
import quartet.cuda.DeviceInfo;
import quartet.cuda.raw.Nvml;
import quartet.cuda.raw.RealDriver;
import quartet.errors.EngineException;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.cpu.CpuBackend;
import quartet.tensor.cpu.CpuHost;
import quartet.tensor.cpu.CpuSettings;
import quartet.tensor.cuda.CudaBackend;
import quartet.tensor.cuda.CudaSettings;
import quartet.tensor.cuda.HostRegistrations;

/**
 * The backends of this build. All virtual CPU devices share one host: its threads and its copy of
 * the weights; all GPUs share the page-locked mapping of each file.
 */
final class LocalBackends implements BackendFactory {
  private static final Logger LOG = LoggerFactory.getLogger(LocalBackends.class);

  private final HostRegistrations registrations = new HostRegistrations();
  private @Nullable CpuHost cpu;
  private @Nullable CudaSensors sensors;

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
      case CUDA -> CudaBackend.open(device, registrations, CudaSettings.standard());
      case SIM ->
          throw new EngineException(
              ServeError.NO_BACKEND,
              "%s only pretends to compute; nothing can be computed on it. Use --devices cpu:1"
                  .formatted(device));
    };
  }

  @Override
  public void poison(Backend backend) {
    if (backend instanceof CudaBackend cuda) {
      cuda.poison();
    }
  }

  @Override
  public int gpus() {
    int fit = CudaProbe.fitDevices();
    List<String> missing = fit == 0 ? List.of() : CudaProbe.missingLibraries();
    if (!missing.isEmpty()) {
      LOG.warn(
          "⚠️ {} GPU(s) cannot be used: {} not found; `quartet doctor` says what to install",
          fit,
          String.join(", ", missing));
      return 0;
    }
    return fit;
  }

  @Override
  public synchronized DeviceSensors sensors(List<Device> devices) {
    if (devices.stream().noneMatch(device -> device.kind() == Device.Kind.CUDA)) {
      return DeviceSensors.NONE;
    }
    CudaSensors found =
        Nvml.open()
            .map(
                nvml ->
                    new CudaSensors(
                        nvml,
                        devices,
                        ordinal -> RealDriver.describe(ordinal).map(DeviceInfo::uuid).orElse(null),
                        System::nanoTime))
            .orElse(null);
    sensors = found;
    return found == null ? DeviceSensors.NONE : found;
  }

  @Override
  public synchronized void close() {
    if (sensors != null) {
      sensors.close();
      sensors = null;
    }
    if (cpu != null) {
      cpu.close();
      cpu = null;
    }
  }
}
