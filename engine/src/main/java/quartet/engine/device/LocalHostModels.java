package quartet.engine.device;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import quartet.errors.Required;
import quartet.safetensors.SafetensorsFile;

/** Checkpoints of a process without actors: mapped on first use, closed with the last holder. */
public final class LocalHostModels implements HostModels {
  private final Map<Path, SafetensorsFile> files = new HashMap<>();
  private final Map<Path, Integer> holders = new HashMap<>();

  @Override
  public synchronized SafetensorsFile acquire(Path file) {
    SafetensorsFile mapped = files.computeIfAbsent(file, SafetensorsFile::open);
    holders.merge(file, 1, Integer::sum);
    return mapped;
  }

  @Override
  public synchronized void release(Path file) {
    int left = Required.in(holders, file) - 1;
    holders.put(file, left);
    if (left == 0) {
      holders.remove(file);
      SafetensorsFile mapped = Required.in(files, file);
      files.remove(file);
      mapped.close();
    }
  }
}
