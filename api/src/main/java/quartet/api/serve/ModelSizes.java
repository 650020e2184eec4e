package quartet.api.serve;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import quartet.engine.files.Folders;
import quartet.errors.EngineException;

/**
 * How large checkpoints are, by the names that prompts give them. Each is looked up once: files of
 * weights are not changed in place.
 *
 * <p>Thread: any.
 */
final class ModelSizes {
  private final Folders folders;
  private final Map<String, Long> known = new ConcurrentHashMap<>();

  ModelSizes(Folders folders) {
    this.folders = folders;
  }

  /** In bytes; 0 if there is no such file now. */
  long bytes(String name) {
    return known.computeIfAbsent(name, this::look);
  }

  private long look(String name) {
    try {
      return Files.size(folders.model("checkpoints", name));
    } catch (IOException | EngineException e) {
      return 0;
    }
  }
}
