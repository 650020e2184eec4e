package quartet.cluster.placement;

import java.util.Set;

/**
 * What placement knows of a device at one moment.
 *
 * @param resident checkpoints on it, as paths
 * @param freeBytes of its memory; negative if it is not known
 * @param totalBytes of its memory; negative if it is not known
 * @param cachedStages samplings whose results it still has
 * @param queueSeconds until it would take one more prompt
 */
public record GpuView(
    int gpuId,
    Set<String> resident,
    long freeBytes,
    long totalBytes,
    Set<String> cachedStages,
    double queueSeconds) {
  /** Whether a checkpoint is there, by the name that a prompt gives it. */
  public boolean holds(String name) {
    if (resident.contains(name)) {
      return true;
    }
    for (String path : resident) {
      // Names come from clients and may be any text, also a whole path.
      if (path.length() > name.length()
          && path.endsWith(name)
          && path.charAt(path.length() - name.length() - 1) == '/') {
        return true;
      }
    }
    return false;
  }

  /** Whether all of them are there. */
  public boolean holdsAll(Set<String> names) {
    for (String name : names) {
      if (!holds(name)) {
        return false;
      }
    }
    return true;
  }
}
