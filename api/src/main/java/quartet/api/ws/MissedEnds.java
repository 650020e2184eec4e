package quartet.api.ws;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import quartet.api.ws.Outgoing.Rank;

/**
 * Results and ends that nobody heard, because their client was not connected. Some clients post
 * first and connect then; a prompt whose results are cached has ended by that time, and they would
 * wait for ever. So what a client misses is kept for a short while and told when it connects.
 *
 * <p>Bounds: {@link #KEPT_MILLIS}, {@link #PER_CLIENT} messages, {@link #CLIENTS} clients; the
 * oldest go first. Thread: the hub's.
 */
final class MissedEnds {
  /** Long enough for a slow client to connect, too short for yesterday's news. */
  static final long KEPT_MILLIS = 10_000;

  /** Messages kept for one client. */
  static final int PER_CLIENT = 64;

  /** Clients for whom something is kept. */
  static final int CLIENTS = 256;

  private record Missed(Outgoing message, long atMillis) {}

  private final Map<String, Deque<Missed>> bySid = new LinkedHashMap<>();

  /** Keeps a message if it is one that clients wait for. */
  void keep(String sid, Outgoing message, long nowMillis) {
    if (message.rank() != Rank.END) {
      return;
    }
    Deque<Missed> missed = bySid.computeIfAbsent(sid, key -> new ArrayDeque<>());
    missed.addLast(new Missed(message, nowMillis));
    if (missed.size() > PER_CLIENT) {
      missed.removeFirst();
    }
    bySid.values().removeIf(one -> tooOld(one.getLast(), nowMillis));
    if (bySid.size() > CLIENTS) {
      bySid.remove(bySid.keySet().iterator().next());
    }
  }

  /** What a client missed lately, in order; it is told once. */
  List<Outgoing> take(String sid, long nowMillis) {
    Deque<Missed> missed = bySid.remove(sid);
    List<Outgoing> fresh = new ArrayList<>();
    if (missed != null) {
      missed.stream()
          .filter(one -> !tooOld(one, nowMillis))
          .forEach(one -> fresh.add(one.message()));
    }
    return fresh;
  }

  private static boolean tooOld(Missed missed, long nowMillis) {
    return nowMillis - missed.atMillis() > KEPT_MILLIS;
  }
}
