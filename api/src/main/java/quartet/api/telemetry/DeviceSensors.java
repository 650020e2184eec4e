package quartet.api.telemetry;

import java.util.Map;

/** The sensors of a server's devices. Thread: any; returns soon. */
@FunctionalInterface
public interface DeviceSensors {
  /** Devices without sensors. */
  DeviceSensors NONE = Map::of;

  /** A reading of each device that has sensors, by its number. */
  Map<Integer, DeviceReading> read();
}
