package quartet.engine.exec;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Set;
import java.util.function.Predicate;
import quartet.errors.Required;

/**
 * Which nodes are to run, and which of them can. Nodes may be added, and may come to need more,
 * while others run. Pure book-keeping; among nodes that are ready the one with the earliest place
 * goes first.
 */
final class Staging {
  /** Where a node stands: its place in the plan, and for nodes of an expansion the place in it. */
  record Place(List<Integer> path) implements Comparable<Place> {
    Place child(int index) {
      List<Integer> longer = new ArrayList<>(path);
      longer.add(index);
      return new Place(longer);
    }

    @Override
    public int compareTo(Place other) {
      for (int i = 0; i < Math.min(path.size(), other.path.size()); i++) {
        int difference = Integer.compare(path.get(i), other.path.get(i));
        if (difference != 0) {
          return difference;
        }
      }
      return Integer.compare(path.size(), other.path.size());
    }
  }

  private record Ready(String id, Place place) {}

  private final Map<String, Place> places = new HashMap<>();
  private final Set<String> unfinished = new HashSet<>();
  private final Map<String, Set<String>> waitsFor = new HashMap<>();
  private final Map<String, List<String>> feeds = new HashMap<>();
  private final Queue<Ready> ready =
      new PriorityQueue<>(java.util.Comparator.comparing(Ready::place));

  /** A node is known, not yet wanted. */
  void place(String id, Place place) {
    places.put(id, place);
  }

  Place placeOf(String id) {
    return Required.in(places, id);
  }

  /** The node is wanted; false if it was already. Its needs follow, then {@link #settle}. */
  boolean want(String id) {
    return unfinished.add(id);
  }

  boolean isWanted(String id) {
    return unfinished.contains(id);
  }

  /** The node cannot run before the other one is done. */
  void waitFor(String id, String other) {
    if (waitsFor.computeIfAbsent(id, key -> new HashSet<>()).add(other)) {
      feeds.computeIfAbsent(other, key -> new ArrayList<>()).add(id);
    }
  }

  /** All its present needs are told; it is ready if it has none. */
  void settle(String id) {
    if (waitsFor.getOrDefault(id, Set.of()).isEmpty()) {
      ready.add(new Ready(id, placeOf(id)));
    }
  }

  /** The next node to run; empty if none can. */
  Optional<String> next() {
    return Optional.ofNullable(ready.poll()).map(Ready::id);
  }

  /** The node is done; those that waited for it alone become ready. */
  void done(String id) {
    unfinished.remove(id);
    List<String> fed = feeds.remove(id);
    if (fed != null) {
      for (String other : fed) {
        Set<String> waiting = Required.in(waitsFor, other);
        waiting.remove(id);
        settle(other);
      }
    }
  }

  /** Whether there are nodes that are wanted and not done. */
  boolean isUnfinished() {
    return !unfinished.isEmpty();
  }

  /** Whether all nodes that are wanted and not done are so. */
  boolean all(Predicate<String> so) {
    return unfinished.stream().allMatch(so);
  }

  /** Nodes that are wanted and not done, in their order. */
  List<String> left() {
    return unfinished.stream().sorted(java.util.Comparator.comparing(this::placeOf)).toList();
  }
}
