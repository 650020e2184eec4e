package quartet.api.store;

import org.jspecify.annotations.Nullable;

/**
 * Who asks the storage.
 *
 * @param session comes with keys that are given for a while only; null otherwise
 */
public record StoreKey(String id, String secret, @Nullable String session) {
  /** Nothing of it belongs into a log. */
  @Override
  public String toString() {
    return "StoreKey[…]";
  }
}
