package quartet.api.ws;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Who is connected, for device threads that want to know whether a picture would be looked at at
 * all. Thread: the hub writes, anybody reads.
 */
public final class Audience {
  private final Set<String> sids = ConcurrentHashMap.newKeySet();

  /** How many clients are connected. */
  public int size() {
    return sids.size();
  }

  void joined(String sid) {
    sids.add(sid);
  }

  void left(String sid) {
    sids.remove(sid);
  }

  /** Whether anybody hears a prompt of that client; null is a prompt without one, told to all. */
  boolean hears(@Nullable String clientId) {
    return clientId == null ? !sids.isEmpty() : sids.contains(clientId);
  }
}
