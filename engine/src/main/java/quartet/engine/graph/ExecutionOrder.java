package quartet.engine.graph;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Set;
import quartet.errors.Required;

/**
 * The order in which nodes run: among those whose inputs are ready, output nodes first, then nodes
 * that feed an output, then nodes two steps before one, then the order of the prompt. So pictures
 * appear early.
 */
final class ExecutionOrder {
  private ExecutionOrder() {}

  /** All ids of an acyclic graph. */
  static List<String> of(Map<String, PlannedNode> nodes) {
    Map<String, Set<String>> feeds = new HashMap<>();
    Map<String, Integer> waiting = new HashMap<>();
    for (PlannedNode node : nodes.values()) {
      Set<String> needs = new HashSet<>();
      node.links().values().forEach(link -> needs.add(link.nodeId()));
      waiting.put(node.id(), needs.size());
      needs.forEach(id -> feeds.computeIfAbsent(id, key -> new HashSet<>()).add(node.id()));
    }
    Map<String, Integer> rank = new HashMap<>();
    nodes.keySet().forEach(id -> rank.put(id, rank(id, nodes, feeds)));

    List<String> position = List.copyOf(nodes.keySet());
    Map<String, Integer> place = new HashMap<>();
    for (int i = 0; i < position.size(); i++) {
      place.put(position.get(i), i);
    }
    Comparator<String> first = Comparator.comparing(rank::get);
    Queue<String> ready = new PriorityQueue<>(first.thenComparing(place::get));
    position.stream().filter(id -> Required.in(waiting, id) == 0).forEach(ready::add);
    List<String> order = new ArrayList<>();
    while (!ready.isEmpty()) {
      String next = ready.remove();
      order.add(next);
      for (String fed : feeds.getOrDefault(next, Set.of())) {
        if (waiting.merge(fed, -1, Integer::sum) == 0) {
          ready.add(fed);
        }
      }
    }
    return order;
  }

  private static int rank(
      String id, Map<String, PlannedNode> nodes, Map<String, Set<String>> feeds) {
    if (isOutput(id, nodes)) {
      return 0;
    }
    Set<String> next = feeds.getOrDefault(id, Set.of());
    if (next.stream().anyMatch(fed -> isOutput(fed, nodes))) {
      return 1;
    }
    boolean two =
        next.stream()
            .flatMap(fed -> feeds.getOrDefault(fed, Set.of()).stream())
            .anyMatch(fed -> isOutput(fed, nodes));
    return two ? 2 : 3;
  }

  private static boolean isOutput(String id, Map<String, PlannedNode> nodes) {
    return Required.in(nodes, id).registered().schema().output();
  }
}
