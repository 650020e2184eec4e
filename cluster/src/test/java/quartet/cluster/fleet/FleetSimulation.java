package quartet.cluster.fleet;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import quartet.cluster.job.Owner;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptLife;
import quartet.cluster.journal.Recovered;
import quartet.cluster.placement.GpuOutlook;
import quartet.cluster.placement.NodeChoice;
import quartet.cluster.placement.NodeOutlook;
import quartet.cluster.placement.Placement;
import quartet.cluster.placement.PromptWork;
import quartet.cluster.placement.StepTimes;
import quartet.cluster.queue.NodeQueue;
import quartet.cluster.queue.Waiting;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.Required;

/**
 * A cluster in one thread, from a seed: servers that crash, freeze and wake up, a network that
 * splits, messages that are late or lost, in any mixture.
 *
 * <p>What is real: {@link NodeQueue}, {@link NodeChoice}, {@link Transit}, {@link Orphans} and the
 * fold of a prompt's facts with its owner. What is pretended: time, devices, messages, membership,
 * and the journal: {@link PretendedJournal}.
 *
 * <p>After every run: each accepted prompt has ended, once; no client hears of an end twice; and
 * prompts of a client that nothing disturbed started in their order.
 */
final class FleetSimulation {
  private static final double BEAT = 0.2;
  private static final double DETECTION = 4;
  private static final double LOOK = 2;
  private static final int GPUS = 2;
  private static final double SECOND = 1000.0;
  private static final Set<String> MODEL = Set.of("m");

  private record Event(double at, long sequence, Runnable what) {}

  /** One start of one server. */
  private static final class Server {
    final int place;
    final Owner owner;
    final NodeQueue queue = new NodeQueue(new Placement(new StepTimes(), name -> 0));
    final Map<String, PromptFact.Queued> open = new LinkedHashMap<>();
    final Map<Integer, String> running = new TreeMap<>();
    final Map<Long, NodeOutlook> heard = new HashMap<>();
    final Set<Long> members = new HashSet<>();
    final Transit transit;
    Set<String> suspects = Set.of();
    boolean dead;
    boolean cut;
    double frozenUntil;

    Server(int place, Owner owner) {
      this.place = place;
      this.owner = owner;
      this.transit = new Transit(owner.node());
      for (int i = 0; i < GPUS; i++) {
        queue.addGpu(i);
        queue.holds(i, Set.of(), -1, -1);
      }
    }
  }

  private final long seed;
  private final Random random;
  private final int servers;
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(Comparator.comparingDouble(Event::at).thenComparingLong(Event::sequence));
  private final Map<Integer, Server> now = new TreeMap<>();
  private final PretendedJournal journal = new PretendedJournal();
  private final Set<String> told = new HashSet<>();
  private final Set<String> accepted = new HashSet<>();
  private final Set<String> disturbed = new HashSet<>();
  private final Map<String, Double> lastNumber = new HashMap<>();
  private long epochs;
  private long sequence;
  private double time;
  private boolean trouble = true;
  int moved;
  int takenOver;
  int lostServers;

  FleetSimulation(long seed, int servers) {
    this.seed = seed;
    this.random = new Random(seed);
    this.servers = servers;
  }

  /** Runs so many prompts through trouble, then without, until all have ended. */
  void run(int prompts) {
    for (int i = 0; i < servers; i++) {
      boot(i);
    }
    for (int i = 0; i < prompts; i++) {
      int number = i;
      at(random.nextDouble() * 40, () -> post("p" + number, "c" + number % 3));
    }
    for (int i = 0; i < 4; i++) {
      at(random.nextDouble() * 40, this::misfortune);
    }
    at(45, () -> trouble = false);
    while (time < 400 && !(time > 50 && journal.ended() >= accepted.size())) {
      Event next = events.poll();
      if (next == null) {
        throw broken("nothing happens any more");
      }
      time = next.at();
      next.what().run();
    }
    accepted.forEach(
        id -> {
          if (journal.ends(id) != 1) {
            throw broken(id + " ended " + journal.ends(id) + " times: " + journal.of(id));
          }
        });
  }

  /** Facts that the journal refused, since their prompts were other servers'. */
  int refused() {
    return journal.refused();
  }

  private IllegalStateException broken(String what) {
    return new IllegalStateException("seed %d at %.2f s: %s".formatted(seed, time, what));
  }

  private void at(double when, Runnable what) {
    events.add(new Event(when, sequence++, what));
  }

  private long nanos() {
    return Math.round(time * 1e9);
  }

  private long millis() {
    return Math.round(time * SECOND);
  }

  // Servers.

  private void boot(int place) {
    Server server = new Server(place, new Owner("s" + place, ++epochs));
    now.put(place, server);
    // Whoever can be reached lets it in.
    for (Server other : now.values()) {
      if (reaches(server, other)) {
        server.members.add(other.owner.epoch());
        other.members.add(server.owner.epoch());
      }
    }
    server.members.add(server.owner.epoch());
    later(server, BEAT, () -> beat(server));
    later(server, LOOK, () -> look(server));
  }

  /** What a server does itself: not while it is frozen, and never when it is dead. */
  private void later(Server server, double delay, Runnable what) {
    at(
        time + delay,
        () -> {
          if (server.dead) {
            return;
          }
          if (server.frozenUntil > time) {
            later(server, server.frozenUntil - time + 0.001, what);
            return;
          }
          what.run();
        });
  }

  private static boolean reaches(Server one, Server other) {
    return !one.dead && !other.dead && (one == other || (!one.cut && !other.cut));
  }

  /** Late, and lost if the two cannot reach each other, or by chance. */
  private void send(Server from, Owner to, java.util.function.Consumer<Server> what) {
    for (Server target : now.values()) {
      if (target.owner.equals(to) && reaches(from, target) && random.nextInt(50) > 0) {
        later(target, 0.001 + random.nextDouble() * 0.1, () -> what.accept(target));
      }
    }
  }

  private void misfortune() {
    List<Server> alive = now.values().stream().filter(one -> !one.dead).toList();
    if (!trouble || alive.size() < servers) {
      return;
    }
    Server victim = alive.get(random.nextInt(alive.size()));
    lostServers++;
    switch (random.nextInt(3)) {
      case 0 -> die(victim);
      case 1 -> {
        victim.frozenUntil = time + 1 + random.nextDouble() * 15;
        at(time + DETECTION, () -> shutOut(victim));
      }
      default -> {
        victim.cut = true;
        at(time + DETECTION, () -> shutOut(victim));
      }
    }
  }

  /** The others go on without it, if it still does not answer; it notices a little later. */
  private void shutOut(Server victim) {
    if (victim.dead || (victim.frozenUntil <= time && !victim.cut)) {
      return;
    }
    removed(victim);
    double notices = Math.max(time, victim.frozenUntil) + random.nextDouble() * DETECTION;
    at(notices, () -> die(victim));
  }

  private void removed(Server gone) {
    for (Server other : now.values()) {
      if (other != gone && !other.dead) {
        other.members.remove(gone.owner.epoch());
        other.heard.remove(gone.owner.epoch());
        later(other, random.nextDouble(), () -> look(other, false));
      }
    }
  }

  private void die(Server server) {
    if (server.dead) {
      return;
    }
    server.dead = true;
    server.open.keySet().forEach(disturbed::add);
    at(time + DETECTION, () -> removed(server));
    at(time + DETECTION + 1 + random.nextDouble() * 5, () -> boot(server.place));
  }

  private static boolean hasDatabase(Server server) {
    return !server.cut;
  }

  // Prompts.

  private void post(String id, String client) {
    List<Server> reachable =
        now.values().stream()
            .filter(one -> !one.dead && !one.cut && one.frozenUntil <= time)
            .toList();
    if (reachable.isEmpty()) {
      at(time + 0.5, () -> post(id, client));
      return;
    }
    Server here = reachable.get(random.nextInt(reachable.size()));
    PromptWork work = work(id);
    NodeOutlook to =
        NodeChoice.choose(work, outlook(here), here.heard.values()).orElse(outlook(here));
    if (to.epoch() == here.owner.epoch()) {
      accept(here, id, client);
      return;
    }
    send(here, new Owner(to.node(), to.epoch()), there -> accept(there, id, client));
    // No answer within two seconds: nobody knows, so it is stored here; the journal has it once.
    later(here, 2, () -> accept(here, id, client));
    at(time + 2.5, () -> again(id, client));
  }

  /** A client without an answer asks again, under the same id. */
  private void again(String id, String client) {
    if (!accepted.contains(id)) {
      post(id, client);
    }
  }

  private void accept(Server server, String id, String client) {
    if (!hasDatabase(server) || server.open.containsKey(id)) {
      return;
    }
    double number = millis();
    PromptJob job =
        new PromptJob(
            id,
            number,
            JsonNodeFactory.instance.objectNode(),
            JsonNodeFactory.instance.objectNode(),
            List.of(),
            client,
            Instant.ofEpochMilli(millis()));
    PromptFact.Queued entry = new PromptFact.Queued(job, null, MODEL, 0, server.owner);
    boolean fresh = !journal.knows(id);
    PromptLife life = journal.store(id, entry, server.owner);
    accepted.add(id); // whoever has it: the client hears that it is stored
    if (life != null && fresh) {
      enqueue(server, entry, 0);
    }
  }

  private PromptWork work(String id) {
    return PromptWork.of(MODEL, id, 1 + Math.floorMod(id.hashCode(), 5));
  }

  private void enqueue(Server server, PromptFact.Queued entry, int rank) {
    PromptJob job = entry.job();
    server.open.put(job.promptId(), entry);
    server.queue.add(
        new Waiting(
            job.promptId(),
            String.valueOf(job.clientId()),
            rank,
            job.number(),
            job.accepted().toEpochMilli(),
            null,
            null,
            work(job.promptId())));
    go(server);
  }

  private void go(Server server) {
    for (NodeQueue.Start start : server.queue.assign(millis())) {
      String id = start.waiting().promptId();
      server.running.put(start.gpuId(), id);
      orderHolds(server, start.waiting());
      if (hasDatabase(server)) {
        journal.store(id, new PromptFact.Started(start.gpuId(), millis()), server.owner);
      }
      later(server, 0.3 * work(id).units(), () -> finish(server, start.gpuId(), id));
    }
  }

  private void orderHolds(Server server, Waiting one) {
    if (one.rank() != 0 || disturbed.contains(one.promptId())) {
      return;
    }
    String kind = server.owner + "|" + one.client();
    Double last = lastNumber.get(kind);
    if (last != null && last > one.number()) {
      throw broken(one.promptId() + " started after a later one of its client");
    }
    lastNumber.put(kind, one.number());
  }

  private void finish(Server server, int gpu, String id) {
    if (!hasDatabase(server)) {
      later(server, 0.5, () -> finish(server, gpu, id)); // tried until it is stored
      return;
    }
    server.running.remove(gpu);
    server.open.remove(id);
    PromptLife life =
        journal.store(
            id,
            new PromptFact.Ended(
                gpu, new ExecutionOutcome.Succeeded(Map.of()), List.of(), millis(), millis()),
            server.owner);
    if (journal.ends(id) > 1) {
      throw broken(id + " ended twice");
    }
    if (life != null && !told.add(id)) {
      throw broken("clients hear twice of the end of " + id);
    }
    server.queue.ended(gpu, id, true, millis());
    go(server);
  }

  // What servers tell each other.

  private NodeOutlook outlook(Server server) {
    Map<Integer, Double> free = server.queue.freeInSeconds(millis());
    List<GpuOutlook> gpus = new ArrayList<>();
    for (int i = 0; i < GPUS; i++) {
      boolean busy = server.running.containsKey(i);
      gpus.add(
          new GpuOutlook(
              i,
              "sim:" + i,
              busy ? GpuOutlook.RUNNING : GpuOutlook.IDLE,
              server.running.get(i),
              0,
              MODEL,
              -1,
              -1,
              Required.in(free, i),
              Map.of(),
              0.3,
              0));
    }
    return new NodeOutlook(
        server.owner.node(),
        server.owner.epoch(),
        "1",
        "",
        gpus,
        server.open.size(),
        1000,
        server.queue.size(),
        server.queue.givable(),
        true,
        0,
        Set.of());
  }

  private void beat(Server server) {
    later(server, BEAT, () -> beat(server));
    NodeOutlook mine = outlook(server);
    for (Server other : now.values()) {
      if (other != server && server.members.contains(other.owner.epoch())) {
        send(server, other.owner, there -> hear(there, mine));
      }
    }
    server
        .transit
        .due(server.members, nanos())
        .forEach(due -> send(server, due.to(), there -> adopt(there, due, server.owner)));
    NodeChoice.giver(mine, server.heard.values())
        .ifPresent(
            giver ->
                send(
                    server,
                    new Owner(giver.node(), giver.epoch()),
                    there -> give(there, server.owner, mine.idle())));
  }

  private static void hear(Server server, NodeOutlook outlook) {
    if (server.members.contains(outlook.epoch())) {
      server.heard.put(outlook.epoch(), outlook);
    }
  }

  private void give(Server server, Owner thief, int most) {
    if (!server.members.contains(thief.epoch()) || !hasDatabase(server)) {
      return;
    }
    for (Waiting one : server.queue.give(most, false)) {
      PromptFact.Queued entry = Required.in(server.open, one.promptId());
      server.open.remove(one.promptId());
      disturbed.add(one.promptId());
      if (journal.store(one.promptId(), new PromptFact.Taken(thief), server.owner) != null) {
        moved++;
        Transit.Due due =
            server.transit.send(
                new Recovered.Open(entry.taken(thief), null, 0, false), thief, nanos());
        send(server, thief, there -> adopt(there, due, server.owner));
      }
    }
  }

  private void adopt(Server server, Transit.Due due, Owner from) {
    PromptFact.Queued entry = EventCodec.entry(due.message().entry()).orElseThrow();
    if (!server.owner.equals(entry.owner())) {
      return;
    }
    keep(server, entry, due.message().ran());
    String id = entry.job().promptId();
    send(server, from, there -> there.transit.arrived(id));
  }

  private void keep(Server server, PromptFact.Queued entry, boolean ran) {
    String id = entry.job().promptId();
    if (!server.open.containsKey(id) && journal.ends(id) == 0) {
      disturbed.add(id);
      enqueue(server, entry, ran ? Waiting.INTERRUPTED : 0);
    }
  }

  // Cleaning up.

  private void look(Server server) {
    later(server, LOOK, () -> look(server));
    look(server, true);
  }

  private void look(Server server, boolean regular) {
    if (server.dead || !hasDatabase(server)) {
      return;
    }
    List<Recovered.Open> read = journal.open();
    Orphans orphans =
        Orphans.of(read, server.owner, server.members, server.open.keySet(), server.suspects);
    if (regular) {
      server.suspects = Orphans.suspects(read, server.owner, server.open.keySet());
    }
    orphans.forgotten().forEach(prompt -> keep(server, prompt.entry(), prompt.ran()));
    boolean oldest =
        now.values().stream()
            .filter(one -> server.members.contains(one.owner.epoch()))
            .noneMatch(one -> one.owner.epoch() < server.owner.epoch());
    if (!oldest) {
      return;
    }
    for (Recovered.Open prompt : orphans.ofTheGone()) {
      String id = prompt.job().promptId();
      NodeOutlook to =
          NodeChoice.choose(work(id), outlook(server), server.heard.values())
              .orElse(outlook(server));
      Owner owner = new Owner(to.node(), to.epoch());
      PromptLife life = journal.store(id, new PromptFact.Taken(owner), prompt.entry().owner());
      if (life == null || !owner.equals(life.owner())) {
        continue;
      }
      takenOver++;
      if (owner.equals(server.owner)) {
        keep(server, prompt.entry().taken(owner), prompt.ran());
      } else {
        Transit.Due due =
            server.transit.send(
                new Recovered.Open(prompt.entry().taken(owner), null, 0, prompt.ran()),
                owner,
                nanos());
        send(server, owner, there -> adopt(there, due, server.owner));
      }
    }
  }
}
