package quartet.errors;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Says in one word that something must be there, and which one was not. */
public final class Required {
  private Required() {}

  /**
   * The value of a key that the code knows to be there.
   *
   * @throws IllegalStateException naming the key, if it is not
   */
  public static <K, V> V in(Map<K, V> map, K key) {
    @Nullable V value = map.get(key);
    if (value == null) {
      throw new IllegalStateException("nothing is stored under '" + key + "'");
    }
    return value;
  }
}
