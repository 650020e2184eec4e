package quartet.engine.device;

import java.nio.file.Path;
import quartet.safetensors.SafetensorsFile;

/**
 * The one host copy of each checkpoint, shared by all devices: the mapped file itself.
 *
 * <p>Thread: any.
 */
public interface HostModels {
  /**
   * The mapped file; the same one for every device that asks. Blocks while somebody else is opening
   * it.
   *
   * @throws quartet.errors.EngineException if it cannot be opened
   */
  SafetensorsFile acquire(Path file);

  /** Says that one acquirer no longer needs it. */
  void release(Path file);
}
