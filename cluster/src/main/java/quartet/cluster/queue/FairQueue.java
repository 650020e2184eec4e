package quartet.cluster.queue;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Waiting prompts in the order in which they get their turn. The highest rank first; within a rank
 * each client in turn, by the time its prompts take, not by their count; within a client by number.
 *
 * <p>The turns are deficit round robin in arrears (Adiseshu et al., "surplus round robin"): a
 * client is served while it owes nothing and pays afterwards. Debts are kept as virtual time: each
 * client's clock advances by what it was served, the client with the earliest clock is next, and a
 * client that comes back starts at the present clock. So somebody new waits for at most one prompt
 * of somebody with a thousand.
 *
 * <p>Cost: log n to add and remove, log(clients) for each prompt looked at. Thread: one caller at a
 * time.
 */
public final class FairQueue {
  private final Map<String, Flow> flows = new HashMap<>();
  private final Map<String, Waiting> byId = new HashMap<>();
  private double now;
  private long turns;

  private static final class Flow {
    final TreeSet<Waiting> waiting = new TreeSet<>(Waiting.OWN_ORDER);
    double clock;
    long lastTurn;
  }

  /** Takes a prompt in; one with the same id is replaced. */
  public void add(Waiting waiting) {
    remove(waiting.promptId());
    byId.put(waiting.promptId(), waiting);
    Flow flow = flows.computeIfAbsent(waiting.client(), name -> new Flow());
    if (flow.waiting.isEmpty()) {
      flow.clock = Math.max(flow.clock, now);
    }
    flow.waiting.add(waiting);
  }

  /** Takes a prompt out that will not be served. */
  public @Nullable Waiting remove(String promptId) {
    Waiting waiting = byId.remove(promptId);
    if (waiting != null) {
      Flow flow = flows.get(waiting.client());
      if (flow != null) {
        flow.waiting.remove(waiting);
        forgetIfIdle(waiting.client(), flow);
      }
    }
    return waiting;
  }

  /**
   * A prompt gets its turn: it leaves the queue, and its client pays.
   *
   * @param cost what it takes, in seconds
   */
  public void serve(Waiting waiting, double cost) {
    Flow flow = flows.get(waiting.client());
    if (flow == null || byId.remove(waiting.promptId()) == null) {
      throw new IllegalStateException("prompt " + waiting.promptId() + " does not wait");
    }
    flow.waiting.remove(waiting);
    now = Math.max(now, flow.clock);
    flow.clock += Math.max(0, cost);
    flow.lastTurn = ++turns;
    forgetIfIdle(waiting.client(), flow);
  }

  /** A client that waits for nothing and owes nothing is as good as a new one. */
  private void forgetIfIdle(String client, Flow flow) {
    if (flow.waiting.isEmpty() && flow.clock <= now) {
      flows.remove(client);
    }
    if (flows.size() > 2 * byId.size() + 1000) {
      flows.values().removeIf(one -> one.waiting.isEmpty() && one.clock <= now);
    }
  }

  /** A waiting prompt. */
  public Optional<Waiting> find(String promptId) {
    return Optional.ofNullable(byId.get(promptId));
  }

  /** How many wait. */
  public int size() {
    return byId.size();
  }

  /** All that wait, in no order. */
  public Collection<Waiting> all() {
    return List.copyOf(byId.values());
  }

  /** Prompts of one client, first one first. */
  List<Waiting> of(String client) {
    Flow flow = flows.get(client);
    return flow == null ? List.of() : List.copyOf(flow.waiting);
  }

  /**
   * The order of the turns as it looks now; the queue must not change meanwhile.
   *
   * @param cost what each prompt would take, in seconds
   */
  public Iterator<Waiting> turns(java.util.function.ToDoubleFunction<Waiting> cost) {
    return new Turns(cost);
  }

  /** The same, all at once. */
  public List<Waiting> inOrder(java.util.function.ToDoubleFunction<Waiting> cost) {
    List<Waiting> all = new ArrayList<>(byId.size());
    turns(cost).forEachRemaining(all::add);
    return all;
  }

  /** One client's place in a look ahead. */
  private static final class Cursor {
    final Iterator<Waiting> rest;
    Waiting head;
    double clock;
    long lastTurn;

    Cursor(Flow flow) {
      this.rest = flow.waiting.iterator();
      this.head = rest.next();
      this.clock = flow.clock;
      this.lastTurn = flow.lastTurn;
    }
  }

  private final class Turns implements Iterator<Waiting> {
    private final java.util.function.ToDoubleFunction<Waiting> cost;
    private final PriorityQueue<Cursor> cursors =
        new PriorityQueue<>(
            Comparator.comparingInt((Cursor one) -> -one.head.rank())
                .thenComparingDouble(one -> one.clock)
                .thenComparingDouble(one -> one.head.number())
                .thenComparingLong(one -> one.lastTurn)
                .thenComparing(one -> one.head.promptId()));

    Turns(java.util.function.ToDoubleFunction<Waiting> cost) {
      this.cost = cost;
      for (Flow flow : flows.values()) {
        if (!flow.waiting.isEmpty()) {
          cursors.add(new Cursor(flow));
        }
      }
    }

    @Override
    public boolean hasNext() {
      return !cursors.isEmpty();
    }

    @Override
    public Waiting next() {
      Cursor cursor = cursors.poll();
      if (cursor == null) {
        throw new NoSuchElementException("nobody waits any more");
      }
      Waiting next = cursor.head;
      if (cursor.rest.hasNext()) {
        cursor.clock += Math.max(0, cost.applyAsDouble(next));
        cursor.head = cursor.rest.next();
        cursors.add(cursor);
      }
      return next;
    }
  }
}
