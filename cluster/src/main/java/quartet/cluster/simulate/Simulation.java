package quartet.cluster.simulate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import quartet.cluster.job.PromptFact;
import quartet.cluster.queue.NodeQueue;
import quartet.cluster.queue.Waiting;
import quartet.engine.device.Finishers;
import quartet.errors.Required;

/**
 * Runs a trace of prompts through pretended servers, deterministically from a seed, and checks
 * after every event what must always hold. A violation ends it with the seed in the message.
 *
 * <p>What is real: {@link NodeQueue} with all its rules, the facts of a prompt's life and the fold
 * that a restart makes of them. What is pretended: time, devices, the network. A prompt goes to the
 * living server with the least work for each device.
 */
public final class Simulation {
  private static final double SECOND = 1000.0;
  private static final double SLOWNESS = 5;

  private final long seed;
  private final World world;
  private final Random random;
  private final List<SimServer> servers = new ArrayList<>();
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(Comparator.comparingDouble(Event::at).thenComparingLong(Event::sequence));
  private final Map<String, Double> accepted = new HashMap<>();
  private final Map<String, Integer> home = new HashMap<>();
  private final Map<String, Double> started = new HashMap<>();
  private final Map<String, Double> ended = new HashMap<>();
  private final Set<String> cancelled = new HashSet<>();
  private final Set<String> disturbed = new HashSet<>();
  private final Map<String, Double> lastNumber = new HashMap<>();
  private final List<String> starts = new ArrayList<>();
  private int coming;
  private long sequence;
  private double now;

  private record Event(double at, long sequence, Runnable what) {}

  /** A simulation that has not begun. */
  public Simulation(long seed, World world) {
    this.seed = seed;
    this.world = world;
    this.random = new Random(seed);
    for (int i = 0; i < world.servers(); i++) {
      servers.add(new SimServer(i, world));
    }
  }

  /**
   * Runs the trace until everything has ended.
   *
   * @throws IllegalStateException if something does not hold that always must
   */
  public Outcome run(List<Arrival> trace) {
    coming = trace.size();
    trace.forEach(arrival -> at(arrival.atSeconds(), () -> arrive(arrival)));
    for (SimServer server : servers) {
      sometimes(world.crashEvery(), () -> crash(server));
      sometimes(world.meddleEvery(), () -> meddle(server));
      for (int gpu = 0; gpu < server.gpus.size(); gpu++) {
        int one = gpu;
        sometimes(world.deviceFailsEvery(), () -> fail(server, one));
        sometimes(world.slowEvery(), () -> slowDown(server, one));
      }
    }
    while (ended.size() + cancelled.size() < trace.size()) {
      Event next = events.poll();
      if (next == null) {
        throw broken("nothing happens any more, and %s have not ended".formatted(unfinished()));
      }
      now = next.at();
      next.what().run();
    }
    return outcome();
  }

  private List<String> unfinished() {
    return accepted.keySet().stream()
        .filter(id -> !ended.containsKey(id) && !cancelled.contains(id))
        .toList();
  }

  private void at(double when, Runnable what) {
    events.add(new Event(when, sequence++, what));
  }

  /** Again and again, at random intervals, as long as prompts come or wait. */
  private void sometimes(double every, Runnable what) {
    if (every > 0) {
      at(
          now - every * Math.log(1 - random.nextDouble()),
          () -> {
            what.run();
            if (coming > 0 || !unfinished().isEmpty()) {
              sometimes(every, what);
            }
          });
    }
  }

  private long millis() {
    return Math.round(now * SECOND);
  }

  // Prompts.

  private void arrive(Arrival arrival) {
    SimServer server = null;
    for (SimServer one : servers) {
      if (one.alive && (server == null || one.backlogSeconds < server.backlogSeconds)) {
        server = one;
      }
    }
    if (server == null) {
      at(now + 0.5, () -> arrive(arrival)); // a client that is refused comes again
      return;
    }
    coming--;
    server.accept(arrival, sequence++, millis());
    accepted.put(arrival.promptId(), now);
    home.put(arrival.promptId(), server.index);
    if (world.crashEvery() > 0 && random.nextInt(50) == 0) {
      crash(server); // after the 200, before anything was started
      return;
    }
    go(server);
  }

  private void go(SimServer server) {
    if (!server.alive) {
      return;
    }
    for (NodeQueue.Start start : server.queue.assign(millis())) {
      begin(server, start);
    }
    server
        .queue
        .idleWithoutReason(millis())
        .ifPresent(
            what -> {
              throw broken(what);
            });
  }

  private void begin(SimServer server, NodeQueue.Start start) {
    String id = start.waiting().promptId();
    SimServer.Gpu gpu = server.gpus.get(start.gpuId());
    if (gpu.running != null) {
      throw broken("GPU %d got %s while it runs %s".formatted(start.gpuId(), id, gpu.running));
    }
    if (server.hasEnded(id) || cancelled.contains(id)) {
      throw broken(id + " was started after its end");
    }
    if (start.waiting().pinnedTo() != null && start.waiting().pinnedTo() != start.gpuId()) {
      throw broken(id + " ran on a device that its client did not name");
    }
    orderHolds(server, start);
    gpu.running = id;
    starts.add(id);
    started.putIfAbsent(id, now);
    server.write(id, new PromptFact.Started(start.gpuId(), millis()));
    double seconds = 0;
    for (String model : start.waiting().work().checkpoints()) {
      if (!gpu.resident.remove(model)) {
        gpu.loads++;
        seconds += world.loadSeconds();
        while (gpu.resident.size() >= world.maxResident()) {
          gpu.resident.remove(gpu.resident.iterator().next());
        }
      }
      gpu.resident.add(model);
    }
    double scatter = 1 + world.noise() * (2 * random.nextDouble() - 1);
    seconds += server.work(id).units() * scatter * gpu.slowness / world.speeds().get(start.gpuId());
    gpu.busySeconds += seconds;
    long epoch = gpu.epoch;
    at(now + seconds, () -> leave(server, start, epoch));
  }

  /** Within a client, prompts of one model and one target start in the order of their numbers. */
  private void orderHolds(SimServer server, NodeQueue.Start start) {
    Waiting one = start.waiting();
    if (one.rank() != 0 || disturbed.contains(one.promptId())) {
      return;
    }
    String kind =
        server.index + "|" + one.client() + "|" + one.work().models() + "|" + one.pinnedTo();
    Double last = lastNumber.get(kind);
    if (last != null && last > one.number()) {
      throw broken(
          "%s (number %.0f) started after number %.0f of the same client and model"
              .formatted(one.promptId(), one.number(), last));
    }
    lastNumber.put(kind, one.number());
  }

  /**
   * The device has computed; if too many prompts are being saved, it has to save this one itself.
   */
  private void leave(SimServer server, NodeQueue.Start start, long epoch) {
    SimServer.Gpu gpu = server.gpus.get(start.gpuId());
    if (gpu.epoch != epoch) {
      return;
    }
    SimServer.Leaving leaving = new SimServer.Leaving(start.waiting().promptId());
    double tail = world.tailSeconds() == 0 ? 0 : 2 * world.tailSeconds() * random.nextDouble();
    if (gpu.leaving.stream().filter(one -> !one.saved).count() < Finishers.AT_ONCE) {
      offDevice(server, start, leaving);
      if (tail == 0) {
        saved(server, start.gpuId(), leaving);
      } else {
        at(now + tail, () -> saved(server, start.gpuId(), leaving));
      }
      go(server);
    } else {
      at(
          now + tail,
          () -> {
            if (gpu.epoch == epoch) {
              offDevice(server, start, leaving);
              saved(server, start.gpuId(), leaving);
              go(server);
            }
          });
    }
  }

  private void offDevice(SimServer server, NodeQueue.Start start, SimServer.Leaving leaving) {
    SimServer.Gpu gpu = server.gpus.get(start.gpuId());
    gpu.running = null;
    gpu.epoch++;
    gpu.leaving.add(leaving);
    server.queue.ended(start.gpuId(), leaving.promptId, true, millis());
    server.queue.holds(start.gpuId(), Set.copyOf(gpu.resident), -1, -1);
  }

  /** Ends are told in the order of the starts; a crash has emptied the list. */
  private void saved(SimServer server, int gpuId, SimServer.Leaving leaving) {
    leaving.saved = true;
    Deque<SimServer.Leaving> all = server.gpus.get(gpuId).leaving;
    for (SimServer.Leaving first = all.peek(); first != null && first.saved; first = all.peek()) {
      all.remove();
      finish(server, gpuId, first.promptId);
    }
  }

  private void finish(SimServer server, int gpuId, String id) {
    if (world.crashEvery() > 0 && random.nextInt(100) == 0) {
      crash(server); // the picture is written, its end is not stored
      return;
    }
    if (!server.end(id, gpuId, millis()) || ended.put(id, now) != null) {
      throw broken(id + " ended twice");
    }
  }

  // What goes wrong.

  private void crash(SimServer server) {
    if (!server.alive) {
      return;
    }
    server.crash();
    at(
        now + 2 * world.downSeconds() * random.nextDouble(),
        () -> {
          server.restart();
          forgetOrder(server);
          Set<String> lost = new HashSet<>();
          home.forEach(
              (id, index) -> {
                if (index == server.index && !ended.containsKey(id) && !cancelled.contains(id)) {
                  lost.add(id);
                }
              });
          lost.removeAll(server.openInJournal());
          if (!lost.isEmpty()) {
            throw broken("a restart lost " + lost);
          }
          go(server);
        });
  }

  /** After a restart, prompts that an operator moved are back at their first place. */
  private void forgetOrder(SimServer server) {
    lastNumber.keySet().removeIf(kind -> kind.startsWith(server.index + "|"));
  }

  private void fail(SimServer server, int index) {
    SimServer.Gpu gpu = server.gpus.get(index);
    if (!server.alive) {
      return;
    }
    String ran = gpu.running;
    gpu.running = null;
    gpu.epoch++;
    gpu.resident.clear();
    server.queue.health(index, "failed");
    server.queue.holds(index, Set.of(), -1, -1);
    if (ran != null) {
      server.queue.ended(index, ran, false, millis());
      server.requeue(waitingOf(server, ran));
    }
    NodeQueue then = server.queue;
    at(
        now + 2 * world.downSeconds() * random.nextDouble(),
        () -> {
          if (server.queue == then) {
            server.queue.health(index, null);
            go(server);
          }
        });
    go(server);
  }

  private Waiting waitingOf(SimServer server, String id) {
    disturbed.add(id);
    return new Waiting(
        id,
        "interrupted",
        Waiting.INTERRUPTED,
        0,
        Math.round(Required.in(accepted, id) * SECOND),
        null,
        null,
        server.work(id));
  }

  private void slowDown(SimServer server, int index) {
    SimServer.Gpu gpu = server.gpus.get(index);
    gpu.slowness = SLOWNESS;
    at(now + world.downSeconds(), () -> gpu.slowness = 1);
  }

  private void meddle(SimServer server) {
    if (!server.alive) {
      return;
    }
    int gpu = random.nextInt(server.gpus.size());
    String id = someWaiting(server);
    switch (random.nextInt(6)) {
      case 0 -> {
        server.queue.pause(gpu, true);
        NodeQueue then = server.queue;
        at(
            now + world.downSeconds(),
            () -> {
              then.pause(gpu, false);
              go(server);
            });
      }
      case 1 -> change(id, () -> server.queue.move(id, random.nextBoolean() ? null : gpu));
      case 2 -> change(id, () -> server.queue.toFront(id));
      case 3 -> change(id, () -> server.queue.toBack(id));
      case 4 -> change(id, () -> server.queue.before(id, someWaiting(server)));
      default -> {
        if (server.queue.remove(id).isPresent()) {
          server.forget(id);
          cancelled.add(id);
        }
      }
    }
    go(server);
  }

  private void change(String id, Runnable what) {
    disturbed.add(id);
    what.run();
  }

  private String someWaiting(SimServer server) {
    List<String> ids = server.queue.all().stream().map(Waiting::promptId).sorted().toList();
    return ids.isEmpty() ? "nobody" : ids.get(random.nextInt(ids.size()));
  }

  private IllegalStateException broken(String what) {
    return new IllegalStateException("seed %d, after %.3f s: %s".formatted(seed, now, what));
  }

  private Outcome outcome() {
    List<Double> waits = new ArrayList<>();
    List<Double> turnarounds = new ArrayList<>();
    ended.forEach(
        (id, end) -> {
          waits.add(Required.in(started, id) - Required.in(accepted, id));
          turnarounds.add(end - Required.in(accepted, id));
        });
    Map<String, Integer> loads = new HashMap<>();
    double busy = 0;
    for (SimServer server : servers) {
      for (int i = 0; i < server.gpus.size(); i++) {
        loads.put(server.index + "/" + i, server.gpus.get(i).loads);
        busy += server.gpus.get(i).busySeconds;
      }
    }
    double devices = world.servers() * (double) world.speeds().size();
    return new Outcome(
        waits,
        turnarounds,
        ended.size(),
        cancelled.size(),
        loads,
        starts,
        now == 0 ? 0 : busy / (devices * now),
        now);
  }
}
