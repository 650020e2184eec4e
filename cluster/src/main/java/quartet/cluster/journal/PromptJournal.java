package quartet.cluster.journal;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.ChildFailed;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.job.Owner;
import quartet.cluster.job.PromptEntity;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptLife;
import quartet.cluster.telemetry.Recorder;

/**
 * The journal of a server's prompts: one {@link PromptEntity} for each prompt that has something to
 * store. In the place where a cluster would have a shard region, and with the same persistence ids.
 *
 * <p>Of one prompt, one write is under way at a time. A new prompt is tried once, since its client
 * waits; everything else is kept in memory and tried until it is stored. An answer of {@link
 * JournalProtocol.Stored} comes after the flush.
 */
public final class PromptJournal extends AbstractBehavior<JournalProtocol.Command> {
  private static final Logger LOG = LoggerFactory.getLogger(PromptJournal.class);
  private static final Duration RETRY_EVERY = Duration.ofSeconds(1);

  /** Prompts that are expected, at most, and how long. */
  private static final int MAX_EXPECTED = 64;

  private static final long EXPECTED_NANOS = Duration.ofSeconds(5).toNanos();

  private static final int MAX_CONFLICTS = 5;

  private record Written(PromptEntity.Written written) implements JournalProtocol.Command {}

  private record Flushed(
      String promptId, PromptLife life, boolean refused, @Nullable Throwable failure)
      implements JournalProtocol.Command {}

  private record Deleted(@Nullable Throwable failure) implements JournalProtocol.Command {}

  private record Retry() implements JournalProtocol.Command {}

  /** Something to store for one prompt. */
  private static final class Entry {
    final List<PromptFact> facts;
    final boolean once;
    final @Nullable Owner by;
    int conflicts;
    final long began = System.nanoTime();
    @Nullable ActorRef<JournalProtocol.Answer> replyTo;

    Entry(
        List<PromptFact> facts,
        boolean once,
        @Nullable Owner by,
        @Nullable ActorRef<JournalProtocol.Answer> to) {
      this.facts = facts;
      this.by = by;
      this.once = once;
      this.replyTo = to;
    }

    void answer(JournalProtocol.Answer answer) {
      if (replyTo != null) {
        replyTo.tell(answer);
        replyTo = null;
      }
    }
  }

  /** A prompt with an entity. */
  private static final class Slot {
    final Deque<Entry> entries = new ArrayDeque<>();
    @Nullable ActorRef<PromptEntity.Command> entity;
    boolean writing;
    boolean stopping;
    boolean forgotten;
    final long made = System.nanoTime();
  }

  private final JournalDatabase database;
  private final Recorder recorder;
  private final @Nullable Owner self;
  private final Executor blocking;
  private final GroupFlush flush;
  private final ActorRef<PromptEntity.Written> written;
  private final Map<String, Slot> slots = new HashMap<>();
  private final Map<ActorRef<?>, String> entities = new HashMap<>();
  private final Set<String> expected = new LinkedHashSet<>();
  private final Deletions deletions = new Deletions();
  private @Nullable String trouble;
  private boolean catchingUp;

  /** The actor, on an open database that this server has for itself. */
  public static Behavior<JournalProtocol.Command> create(
      JournalDatabase database, Recorder recorder) {
    return create(database, recorder, null);
  }

  /**
   * The actor, on an open database.
   *
   * @param self in whose name it stores; null if no other server uses the database
   */
  public static Behavior<JournalProtocol.Command> create(
      JournalDatabase database, Recorder recorder, @Nullable Owner self) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new PromptJournal(context, timers, database, recorder, self)));
  }

  private PromptJournal(
      ActorContext<JournalProtocol.Command> context,
      TimerScheduler<JournalProtocol.Command> timers,
      JournalDatabase database,
      Recorder recorder,
      @Nullable Owner self) {
    super(context);
    this.self = self;
    this.database = database;
    this.recorder = recorder;
    this.blocking = context.getSystem().dispatchers().lookup(DispatcherSelector.blocking());
    this.flush = new GroupFlush(database::flush, blocking);
    this.written = context.messageAdapter(PromptEntity.Written.class, Written::new);
    timers.startTimerWithFixedDelay(new Retry(), RETRY_EVERY);
    // One entity that reads nothing: the first client shall not wait for pools and plug-ins to
    // start.
    context.spawnAnonymous(PromptEntity.create("warm-up")).tell(new PromptEntity.Stop());
  }

  @Override
  public Receive<JournalProtocol.Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(JournalProtocol.Expect.class, this::onExpect)
        .onMessage(JournalProtocol.Accept.class, this::onAccept)
        .onMessage(JournalProtocol.Note.class, this::onNote)
        .onMessage(JournalProtocol.Forget.class, this::onForget)
        .onMessage(Written.class, this::onWritten)
        .onMessage(Flushed.class, this::onFlushed)
        .onMessage(Deleted.class, this::onDeleted)
        .onMessage(Retry.class, this::onRetry)
        .onSignal(Terminated.class, this::onTerminated)
        .build();
  }

  /**
   * Its entity reads the journal while the prompt is still being looked at. Not in a cluster: what
   * another server stores in the meantime would be unknown to that entity.
   */
  private Behavior<JournalProtocol.Command> onExpect(JournalProtocol.Expect message) {
    String promptId = message.promptId();
    if (self == null
        && trouble == null
        && expected.size() < MAX_EXPECTED
        && !slots.containsKey(promptId)
        && !deletions.isUnderWay(promptId)) {
      Slot slot = new Slot();
      slots.put(promptId, slot);
      expected.add(promptId);
      entity(promptId, slot);
    }
    return this;
  }

  /** Those that were expected and never came: they were refused, or went to another server. */
  private void stopExpecting() {
    long now = System.nanoTime();
    expected.removeIf(
        promptId -> {
          Slot slot = slots.get(promptId);
          if (slot == null || now - slot.made < EXPECTED_NANOS) {
            return slot == null;
          }
          stop(slot);
          return true;
        });
  }

  private Behavior<JournalProtocol.Command> onAccept(JournalProtocol.Accept message) {
    Slot known = slots.get(message.promptId());
    if (deletions.isUnderWay(message.promptId()) || (known != null && known.forgotten)) {
      message.replyTo().tell(new JournalProtocol.Away("this prompt is just being deleted"));
      return this;
    }
    deletions.keep(message.promptId());
    return add(message.promptId(), new Entry(message.facts(), true, self, message.replyTo()));
  }

  private Behavior<JournalProtocol.Command> onNote(JournalProtocol.Note message) {
    Owner by = message.by() == null ? self : message.by();
    return add(
        message.promptId(), new Entry(List.of(message.fact()), false, by, message.replyTo()));
  }

  private Behavior<JournalProtocol.Command> add(String promptId, Entry entry) {
    Slot slot = slots.computeIfAbsent(promptId, id -> new Slot());
    expected.remove(promptId);
    slot.entries.add(entry);
    writeNext(promptId, slot);
    return this;
  }

  private void writeNext(String promptId, Slot slot) {
    Entry entry = slot.entries.peek();
    if (entry == null || slot.writing || slot.stopping) {
      return;
    }
    String full = database.noRoom().orElse(null);
    if (full != null) {
      failed(promptId, slot, new IOException(full));
      return;
    }
    slot.writing = true;
    entity(promptId, slot).tell(new PromptEntity.Write(entry.facts, entry.by, written));
  }

  private ActorRef<PromptEntity.Command> entity(String promptId, Slot slot) {
    ActorRef<PromptEntity.Command> entity = slot.entity;
    if (entity == null) {
      entity = getContext().spawnAnonymous(PromptEntity.create(promptId));
      getContext().watch(entity);
      entities.put(entity, promptId);
      slot.entity = entity;
    }
    return entity;
  }

  private Behavior<JournalProtocol.Command> onWritten(Written message) {
    String promptId = message.written().promptId();
    PromptLife life = message.written().life();
    boolean refused = message.written().refused();
    if (refused || life instanceof PromptLife.Running) {
      return onFlushed(new Flushed(promptId, life, refused, null)); // losing it changes nothing
    }
    getContext()
        .pipeToSelf(
            flush.request(), (done, failure) -> new Flushed(promptId, life, false, failure));
    return this;
  }

  private Behavior<JournalProtocol.Command> onFlushed(Flushed message) {
    Slot slot = slots.get(message.promptId());
    if (slot == null || !slot.writing) {
      return this;
    }
    if (message.failure() != null) {
      failed(message.promptId(), slot, message.failure());
      return this;
    }
    slot.writing = false;
    Entry entry = slot.entries.poll();
    storageWorks();
    if (entry != null) {
      recorder.journal(Duration.ofNanos(System.nanoTime() - entry.began), true);
      entry.answer(
          message.refused()
              ? new JournalProtocol.Foreign(message.life())
              : new JournalProtocol.Stored(message.life()));
    }
    if (slot.entries.isEmpty()
        && (message.life() instanceof PromptLife.Ended || message.life().isOfAnother(self))) {
      stop(slot);
    }
    writeNext(message.promptId(), slot);
    return this;
  }

  /** After trouble: store what has waited for this, and say when nothing waits any more. */
  private void storageWorks() {
    if (trouble != null) {
      trouble = null;
      catchingUp = true;
      onRetry(new Retry());
    }
    if (catchingUp && slots.values().stream().allMatch(slot -> slot.entries.isEmpty())) {
      catchingUp = false;
      LOG.info("✅ The journal's database works again; everything is stored");
    }
  }

  private static void stop(Slot slot) {
    if (slot.entity != null && !slot.stopping) {
      slot.stopping = true;
      slot.entity.tell(new PromptEntity.Stop());
    }
  }

  /** The entity has stopped: as told, or because the storage failed it. */
  private Behavior<JournalProtocol.Command> onTerminated(Terminated signal) {
    String promptId = entities.remove(signal.getRef());
    Slot slot = promptId == null ? null : slots.get(promptId);
    if (promptId == null || slot == null) {
      return this;
    }
    slot.entity = null;
    slot.stopping = false;
    if (slot.forgotten) {
      slots.remove(promptId);
      slot.entries.forEach(
          entry -> entry.answer(new JournalProtocol.Away("this prompt was deleted")));
      deletions.add(promptId);
      deleteNext();
    } else if (slot.writing && signal instanceof ChildFailed failure && conflicts(slot, failure)) {
      slot.writing = false;
      writeNext(promptId, slot); // a new entity reads what another server has stored
    } else if (slot.writing && signal instanceof ChildFailed failure) {
      failed(promptId, slot, failure.getCause());
    } else if (slot.entries.isEmpty()) {
      slots.remove(promptId);
    } else {
      slot.writing = false;
      writeNext(promptId, slot);
    }
    return this;
  }

  /** Whether another server has stored something about the prompt in the meantime. */
  private boolean conflicts(Slot slot, ChildFailed failed) {
    Entry entry = slot.entries.peek();
    if (self == null || entry == null || entry.conflicts >= MAX_CONFLICTS) {
      return false;
    }
    if (new StorageFailure(failed.getCause()).isConflict()) {
      entry.conflicts++;
      return true;
    }
    return false;
  }

  private void failed(String promptId, Slot slot, Throwable failure) {
    String reason = reason(failure);
    slot.writing = false;
    Entry entry = slot.entries.peek();
    if (entry != null) {
      recorder.journal(Duration.ofNanos(System.nanoTime() - entry.began), false);
      entry.answer(new JournalProtocol.Away(reason));
      if (entry.once) {
        // It may be in the database all the same; the client was told that it is not.
        // In a cluster another server may have it by now, so it stays, and the audit finds it.
        slot.entries.poll();
        if (self != null) {
          stop(slot);
        } else if (slot.entity != null) {
          slot.forgotten = true;
          stop(slot);
        } else {
          deletions.addDoubtful(promptId);
        }
      }
    }
    if (slot.entries.isEmpty() && slot.entity == null) {
      slots.remove(promptId);
    }
  }

  private String reason(Throwable failure) {
    String reason = new StorageFailure(failure).reason(trouble);
    if (trouble == null) {
      LOG.error("❌ {}; new prompts are refused until it works again, accepted ones go on", reason);
    }
    trouble = reason;
    return reason;
  }

  private Behavior<JournalProtocol.Command> onForget(JournalProtocol.Forget message) {
    ActorRef<Done> asked = message.replyTo();
    if (asked != null) {
      deletions.whenGone(message.promptIds(), () -> asked.tell(Done.getInstance()));
    }
    for (String promptId : message.promptIds()) {
      Slot slot = slots.get(promptId);
      if (slot != null && slot.entity != null) {
        slot.forgotten = true;
        stop(slot);
      } else {
        slots.remove(promptId);
        deletions.add(promptId);
      }
    }
    deleteNext();
    return this;
  }

  private void deleteNext() {
    if (!deletions.canBegin() || database.noRoom().isPresent()) {
      return;
    }
    Set<String> batch = deletions.begin();
    getContext()
        .pipeToSelf(
            CompletableFuture.runAsync(
                () -> {
                  try {
                    database.delete(batch);
                  } catch (java.sql.SQLException e) {
                    throw new java.util.concurrent.CompletionException(e);
                  }
                },
                blocking),
            (done, failure) -> new Deleted(failure));
  }

  private Behavior<JournalProtocol.Command> onDeleted(Deleted message) {
    if (message.failure() != null) {
      LOG.debug("deleting from the journal failed, to be tried again", message.failure());
      deletions.failed();
      return this; // the timer tries again
    }
    deletions.succeeded();
    deleteNext();
    return this;
  }

  private Behavior<JournalProtocol.Command> onRetry(Retry message) {
    stopExpecting();
    Map.copyOf(slots).forEach(this::writeNext);
    deleteNext();
    return this;
  }
}
