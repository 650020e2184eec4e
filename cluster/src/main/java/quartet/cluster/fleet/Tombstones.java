package quartet.cluster.fleet;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Prompts that somebody has just taken out of the queue: one that is on its way between two servers
 * at that moment is in neither queue, and must not come back.
 *
 * <p>Thread: the fleet's.
 */
final class Tombstones {
  private static final long KEPT_NANOS = 60_000_000_000L;
  private static final int MOST = 100_000;

  private final Map<String, Long> taken = new LinkedHashMap<>();

  void add(Set<String> promptIds, long nowNanos) {
    taken.values().removeIf(since -> nowNanos - since > KEPT_NANOS);
    promptIds.forEach(
        id -> {
          if (taken.size() < MOST) {
            taken.put(id, nowNanos);
          }
        });
  }

  boolean has(String promptId, long nowNanos) {
    Long since = taken.get(promptId);
    return since != null && nowNanos - since <= KEPT_NANOS;
  }
}
