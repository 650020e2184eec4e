package quartet.engine.exec;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import quartet.engine.node.NodeResult;

/**
 * Results of nodes on one device, kept from one prompt to the next: what the coming prompt can use
 * stays, the rest is dropped when it starts. (ComfyUI's "classic" rule: bounded by one prompt, and
 * enough for the usual change of one value.)
 *
 * <p>Thread: the device's.
 */
public final class OutputCache {
  private final Map<String, NodeResult> results = new HashMap<>();

  /** Drops what the coming prompt cannot use. */
  void keepOnly(Collection<String> keys) {
    results.keySet().retainAll(new HashSet<>(keys));
  }

  Optional<NodeResult> find(String key) {
    return Optional.ofNullable(results.get(key));
  }

  void put(String key, NodeResult result) {
    results.put(key, result);
  }

  /**
   * Forgets what takes memory. What only shows something stays, so that a picture that is saved
   * already is not saved again when its prompt is retried.
   */
  public void dropValues() {
    results.values().removeIf(result -> !result.outputs().isEmpty());
  }

  /** Forgets everything. */
  public void clear() {
    results.clear();
  }
}
