package quartet.api.serve;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.HostModels;
import quartet.engine.device.Worker;
import quartet.engine.exec.CacheMode;
import quartet.engine.files.Folders;
import quartet.engine.sim.FaultyWorker;
import quartet.engine.sim.SimCosts;
import quartet.engine.sim.SimWorker;
import quartet.tensor.Backend;
import quartet.tensor.Device;

/**
 * Makes the workers of this process's devices.
 *
 * @param sim what work costs on simulated devices
 * @param faults devices fail when prompts tell them to, and mark that here; null: never
 * @param writeMetadata whether PNG files carry the workflow
 * @param maxResident checkpoints kept on a device at once
 * @param cache which nodes' results a device keeps
 */
public record Workers(
    BackendFactory backends,
    SimCosts sim,
    @Nullable Path faults,
    Folders folders,
    boolean writeMetadata,
    int maxResident,
    CacheMode cache) {
  /** A worker for a device. Called on the device's thread. */
  public Worker open(int gpuId, Device device, HostModels hostModels) {
    return switch (device.kind()) {
      case SIM -> {
        Worker worker = new SimWorker(gpuId, device, sim, folders, writeMetadata, maxResident);
        yield faults == null ? worker : new FaultyWorker(worker, faults, () -> {});
      }
      case CPU, CUDA -> {
        Backend backend = backends.open(device);
        Worker worker =
            new DeviceWorker(
                gpuId, backend, hostModels, folders, writeMetadata, maxResident, cache);
        yield faults == null
            ? worker
            : new FaultyWorker(worker, faults, () -> backends.poison(backend));
      }
    };
  }
}
