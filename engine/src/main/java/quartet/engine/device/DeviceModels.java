package quartet.engine.device;

import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.engine.model.CheckpointModels;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Backend;

/**
 * The checkpoints resident on one device, least recently used first.
 *
 * <p>Owner: of every {@link CheckpointModels} it made. Thread: the device's.
 */
final class DeviceModels implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceModels.class);

  private final Backend backend;
  private final HostModels hostModels;
  private final int maxResident;
  private final LinkedHashMap<Path, CheckpointModels> resident =
      new LinkedHashMap<>(8, 0.75f, true);

  DeviceModels(Backend backend, HostModels hostModels, int maxResident) {
    if (maxResident < 1) {
      throw new IllegalArgumentException(
          "a device keeps at least 1 checkpoint, not " + maxResident);
    }
    this.backend = backend;
    this.hostModels = hostModels;
    this.maxResident = maxResident;
  }

  CheckpointModels checkpoint(Path file) {
    CheckpointModels present = resident.get(file);
    if (present != null) {
      return present;
    }
    while (resident.size() >= maxResident) {
      evictOldest();
    }
    long start = System.nanoTime();
    SafetensorsFile mapped = hostModels.acquire(file);
    try {
      CheckpointModels loaded = CheckpointModels.open(mapped, backend);
      resident.put(file, loaded);
      LOG.info(
          "[{}] {} ready in {} ms",
          backend.device(),
          file.getFileName(),
          (System.nanoTime() - start) / 1_000_000);
      return loaded;
    } catch (RuntimeException e) {
      hostModels.release(file);
      throw e;
    }
  }

  List<Path> resident() {
    return List.copyOf(resident.keySet());
  }

  private void evictOldest() {
    Iterator<Map.Entry<Path, CheckpointModels>> oldest = resident.entrySet().iterator();
    Map.Entry<Path, CheckpointModels> entry = oldest.next();
    oldest.remove();
    release(entry.getKey(), entry.getValue());
  }

  private void release(Path file, CheckpointModels models) {
    try {
      models.close();
    } finally {
      hostModels.release(file);
    }
    LOG.info("[{}] {} evicted", backend.device(), file.getFileName());
  }

  /** Frees all of them. */
  void clear() {
    while (!resident.isEmpty()) {
      evictOldest();
    }
  }

  @Override
  public void close() {
    clear();
  }
}
