package quartet.engine.exec;

import java.util.Collection;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Results of nodes on one device, kept from one prompt to the next as {@link CacheMode} says.
 *
 * <p>Thread: the device's.
 */
public final class OutputCache {
  private final CacheMode mode;

  /** Least recently used first. */
  private final Map<String, NodeOutputs> results = new LinkedHashMap<>(16, 0.75f, true);

  /** A cache by the given rule. */
  public OutputCache(CacheMode mode) {
    this.mode = mode;
  }

  /** A cache that keeps what the coming prompt can use. */
  public OutputCache() {
    this(new CacheMode.Classic());
  }

  /** A prompt with these keys begins. */
  void begin(Collection<String> keys) {
    switch (mode) {
      case CacheMode.Classic ignored -> results.keySet().retainAll(new HashSet<>(keys));
      case CacheMode.Lru ignored -> {}
      case CacheMode.None ignored -> results.clear();
    }
  }

  Optional<NodeOutputs> find(String key) {
    return Optional.ofNullable(results.get(key));
  }

  void put(String key, NodeOutputs result) {
    switch (mode) {
      case CacheMode.Classic ignored -> results.put(key, result);
      case CacheMode.Lru lru -> {
        results.put(key, result);
        Iterator<String> oldest = results.keySet().iterator();
        while (results.size() > lru.results()) {
          oldest.next();
          oldest.remove();
        }
      }
      case CacheMode.None ignored -> {}
    }
  }

  /**
   * Forgets what takes memory. What only shows something stays, so that a picture that is saved
   * already is not saved again when its prompt is retried.
   */
  public void dropValues() {
    results.values().removeIf(result -> !result.slots().isEmpty());
  }

  /** Forgets everything. */
  public void clear() {
    results.clear();
  }
}
