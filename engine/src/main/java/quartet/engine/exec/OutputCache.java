package quartet.engine.exec;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Results of nodes on one device, kept from one prompt to the next as {@link CacheMode} says. What
 * other threads still make for a prompt that has left the device comes in when the next one begins.
 *
 * <p>Thread: the device's.
 */
public final class OutputCache {
  private final CacheMode mode;

  /** Least recently used first. */
  private final Map<String, NodeOutputs> results = new LinkedHashMap<>(16, 0.75f, true);

  /** In the order in which their prompts left the device. */
  private final List<Expected> expected = new ArrayList<>();

  private record Expected(
      Set<String> keys, CompletableFuture<? extends Map<String, NodeOutputs>> made) {}

  /** A cache by the given rule. */
  public OutputCache(CacheMode mode) {
    this.mode = mode;
  }

  /** A cache that keeps what the coming prompt can use. */
  public OutputCache() {
    this(new CacheMode.Classic());
  }

  /**
   * Results under these keys, or some of them, will be there at the prompt's end.
   *
   * @param made completed by whoever makes them
   */
  void expect(Set<String> keys, CompletableFuture<? extends Map<String, NodeOutputs>> made) {
    expected.add(new Expected(keys, made));
  }

  /** A prompt with these keys begins. It waits for results that it could use. */
  void begin(Collection<String> keys) {
    takeIn(keys);
    switch (mode) {
      case CacheMode.Classic ignored -> results.keySet().retainAll(new HashSet<>(keys));
      case CacheMode.Lru ignored -> {}
      case CacheMode.None ignored -> results.clear();
    }
  }

  private void takeIn(Collection<String> keys) {
    for (Iterator<Expected> all = expected.iterator(); all.hasNext(); ) {
      Expected one = all.next();
      if (one.made().isDone() || !Collections.disjoint(one.keys(), keys)) {
        one.made().join().forEach(this::put);
        all.remove();
      }
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

  /** Forgets everything, and what is still being made. */
  public void clear() {
    expected.clear();
    results.clear();
  }
}
