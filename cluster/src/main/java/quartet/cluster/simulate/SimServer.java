package quartet.cluster.simulate;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptJob;
import quartet.cluster.journal.JournalDatabase;
import quartet.cluster.journal.Recovered;
import quartet.cluster.placement.Placement;
import quartet.cluster.placement.PromptWork;
import quartet.cluster.placement.StepTimes;
import quartet.cluster.queue.NodeQueue;
import quartet.cluster.queue.Waiting;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.Required;

/** One pretended server: a journal that outlives crashes, and a queue that does not. */
final class SimServer {
  /** A pretended device. */
  static final class Gpu {
    final LinkedHashSet<String> resident = new LinkedHashSet<>();
    double slowness = 1;
    int loads;
    double busySeconds;
    @Nullable String running;

    /** Off the device and not ended, in the order of their starts. */
    final Deque<Leaving> leaving = new ArrayDeque<>();

    /** Grows with whatever makes a pending end void. */
    long epoch;
  }

  /** A prompt that is saved while its device has the next one. */
  static final class Leaving {
    final String promptId;
    boolean saved;

    Leaving(String promptId) {
      this.promptId = promptId;
    }
  }

  final int index;
  final World world;
  final List<Gpu> gpus = new ArrayList<>();
  private final List<JournalDatabase.Entry> journal = new ArrayList<>();
  private final Map<String, PromptWork> works = new HashMap<>();
  private final Set<String> endedIds = new HashSet<>();
  NodeQueue queue;
  boolean alive = true;
  double backlogSeconds;

  SimServer(int index, World world) {
    this.index = index;
    this.world = world;
    this.queue = boot();
    for (int i = 0; i < world.speeds().size(); i++) {
      gpus.add(new Gpu());
    }
  }

  private NodeQueue boot() {
    NodeQueue fresh = new NodeQueue(new Placement(new StepTimes(), name -> 0));
    for (int i = 0; i < world.speeds().size(); i++) {
      fresh.addGpu(i);
      fresh.holds(i, Set.of(), -1, -1);
    }
    return fresh;
  }

  /** Stores, then queues; a prompt that is known is not taken twice. */
  void accept(Arrival arrival, long number, long nowMillis) {
    if (works.containsKey(arrival.promptId())) {
      return;
    }
    PromptJob job =
        new PromptJob(
            arrival.promptId(),
            number,
            JsonNodeFactory.instance.objectNode(),
            JsonNodeFactory.instance.objectNode(),
            List.of(),
            arrival.client(),
            Instant.ofEpochMilli(nowMillis));
    works.put(
        arrival.promptId(),
        PromptWork.of(Set.of(arrival.model()), arrival.promptId(), arrival.units()));
    PromptFact.Queued entry =
        new PromptFact.Queued(job, arrival.pinnedTo(), Set.of(arrival.model()), number);
    write(arrival.promptId(), entry);
    backlogSeconds += arrival.units();
    queue.add(waiting(entry, 0));
  }

  private Waiting waiting(PromptFact.Queued entry, int rank) {
    PromptJob job = entry.job();
    return new Waiting(
        job.promptId(),
        job.clientId() == null ? "" : job.clientId(),
        rank,
        job.number(),
        job.accepted().toEpochMilli(),
        entry.pinnedTo(),
        null,
        Required.in(works, job.promptId()));
  }

  /** A server that never crashes needs no journal, and a planner's runs are large. */
  void write(String promptId, PromptFact fact) {
    if (world.crashEvery() == 0) {
      return;
    }
    journal.add(new JournalDatabase.Entry(promptId, fact));
  }

  /** Stores the end, unless the journal has it: what the entity does with a fact it knows. */
  boolean end(String promptId, int gpu, long nowMillis) {
    if (!endedIds.add(promptId)) {
      return false;
    }
    backlogSeconds -= Required.in(works, promptId).units();
    write(
        promptId,
        new PromptFact.Ended(
            gpu, new ExecutionOutcome.Succeeded(Map.of()), List.of(), nowMillis, nowMillis));
    return true;
  }

  /** Takes a prompt out for good. */
  void forget(String promptId) {
    journal.removeIf(entry -> entry.promptId().equals(promptId));
    backlogSeconds -= Required.in(works, promptId).units();
  }

  boolean hasEnded(String promptId) {
    return endedIds.contains(promptId);
  }

  /** Everything in memory is gone. */
  void crash() {
    alive = false;
    for (Gpu gpu : gpus) {
      gpu.epoch++;
      gpu.running = null;
      gpu.leaving.clear();
      gpu.resident.clear();
      gpu.slowness = 1;
    }
  }

  /** Reads the journal as a real start does. */
  void restart() {
    alive = true;
    queue = boot();
    Recovered recovered = Recovered.of(journal);
    for (Recovered.Open open : recovered.open()) {
      queue.add(waiting(open.entry(), open.ran() ? Waiting.INTERRUPTED : 0));
    }
  }

  /** Puts an interrupted prompt back. */
  void requeue(Waiting interrupted) {
    queue.add(interrupted.at(interrupted.client(), Waiting.INTERRUPTED, interrupted.number()));
  }

  PromptWork work(String promptId) {
    return Required.in(works, promptId);
  }

  /** All ids that the journal says have not ended. */
  Set<String> openInJournal() {
    Set<String> ids = new LinkedHashSet<>();
    Recovered.of(journal).open().forEach(open -> ids.add(open.job().promptId()));
    return ids;
  }
}
