package quartet.api.serve;

import quartet.engine.device.DeviceWorker;
import quartet.engine.device.HostModels;
import quartet.engine.device.Worker;
import quartet.engine.exec.CacheMode;
import quartet.engine.files.Folders;
import quartet.engine.sim.SimCosts;
import quartet.engine.sim.SimWorker;
import quartet.tensor.Device;

/**
 * Makes the workers of this process's devices.
 *
 * @param sim what work costs on simulated devices
 * @param writeMetadata whether PNG files carry the workflow
 * @param maxResident checkpoints kept on a device at once
 * @param cache which nodes' results a device keeps
 */
public record Workers(
    BackendFactory backends,
    SimCosts sim,
    Folders folders,
    boolean writeMetadata,
    int maxResident,
    CacheMode cache) {
  /** A worker for a device. Called on the device's thread. */
  public Worker open(int gpuId, Device device, HostModels hostModels) {
    return switch (device.kind()) {
      case SIM -> new SimWorker(gpuId, device, sim, folders, writeMetadata, maxResident);
      case CPU, CUDA ->
          new DeviceWorker(
              gpuId, backends.open(device), hostModels, folders, writeMetadata, maxResident, cache);
    };
  }
}
