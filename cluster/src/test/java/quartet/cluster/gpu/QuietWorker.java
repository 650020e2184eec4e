package quartet.cluster.gpu;

import java.nio.file.Path;
import java.util.List;
import quartet.engine.device.Worker;
import quartet.tensor.DeviceMemory;

/** A device that holds nothing and has nothing to do; tests say what they want otherwise. */
public interface QuietWorker extends Worker {
  @Override
  default void warmUp() {}

  @Override
  default void clearCaches() {}

  @Override
  default void clearOutputs() {}

  @Override
  default List<Path> resident() {
    return List.of();
  }

  @Override
  default DeviceMemory memory() {
    return new DeviceMemory(1, 1, 0, 0);
  }

  @Override
  default String description() {
    return "a fake";
  }

  @Override
  default void close() {}
}
