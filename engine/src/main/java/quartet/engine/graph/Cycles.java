package quartet.engine.graph;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import quartet.errors.Required;

/** Finds circles of links, by depth-first search with an explicit stack. */
final class Cycles {
  private final Map<String, NodeChecker.Checked> nodes;
  private final Set<String> entered = new HashSet<>();
  private final Map<String, Integer> placeOnPath = new HashMap<>();
  private final List<String> path = new ArrayList<>();
  private final Deque<Iterator<Link>> iterators = new ArrayDeque<>();

  private Cycles(Map<String, NodeChecker.Checked> nodes) {
    this.nodes = nodes;
  }

  /** Node ids along circles; every set of nodes that need each other has at least one. */
  static List<List<String>> find(Map<String, NodeChecker.Checked> nodes) {
    Cycles search = new Cycles(nodes);
    List<List<String>> cycles = new ArrayList<>();
    nodes.keySet().forEach(start -> search.from(start, cycles));
    return cycles;
  }

  private void from(String start, List<List<String>> cycles) {
    enter(start);
    while (!iterators.isEmpty()) {
      Iterator<Link> links = iterators.element();
      if (links.hasNext()) {
        String next = links.next().nodeId();
        Integer at = placeOnPath.get(next);
        if (at == null) {
          enter(next);
        } else {
          cycles.add(List.copyOf(path.subList(at, path.size())));
        }
      } else {
        iterators.pop();
        placeOnPath.remove(path.removeLast());
      }
    }
  }

  private void enter(String id) {
    if (nodes.containsKey(id) && entered.add(id)) {
      placeOnPath.put(id, path.size());
      path.add(id);
      iterators.push(Required.in(nodes, id).links().values().iterator());
    }
  }
}
