package quartet.api.serve;

import java.util.List;
import quartet.api.telemetry.DeviceSensors;
import quartet.tensor.Backend;
import quartet.tensor.Device;

/** Makes backends; the one place that knows which module computes on which kind of device. */
public interface BackendFactory extends AutoCloseable {
  /**
   * A backend of its own for a device. Called on the device's thread.
   *
   * @throws quartet.errors.EngineException if this build has none for that kind
   */
  Backend open(Device device);

  /** Breaks a backend's device for this process, for trying out recovery. */
  void poison(Backend backend);

  /** GPUs of this machine that can be computed on: driver, card and libraries are there. */
  int gpus();

  /** The sensors of these devices; their numbers are their places in the list. */
  DeviceSensors sensors(List<Device> devices);

  @Override
  void close();
}
