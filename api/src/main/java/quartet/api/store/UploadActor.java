package quartet.api.store;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.api.outbox.Disk;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.node.RouterProtocol;

/**
 * Puts what prompts leave in the output folder into a bucket. A key is written to disk before it is
 * tried and removed when the storage has the file, so it outlives restarts; there is no last try.
 *
 * <p>A kill may come between a prompt's end and that key. So a start puts the outputs of the last
 * prompts there once more, which changes nothing where they are there already.
 */
public final class UploadActor extends AbstractBehavior<UploadActor.Command> {
  private static final Logger LOG = LoggerFactory.getLogger(UploadActor.class);
  private static final int AT_ONCE = 4;
  private static final int LAST_PROMPTS = 100;

  /** What it tells itself. */
  public sealed interface Command {}

  private record Happened(PromptEvent event) implements Command {}

  private record Before(List<PromptRecord> history) implements Command {}

  private record Found(List<String> keys) implements Command {}

  private record Noted(String key, @Nullable Throwable failure) implements Command {}

  private record Tried(String key, @Nullable Throwable failure) implements Command {}

  private record Resume() implements Command {}

  private final StoreOptions options;
  private final Bucket bucket;
  private final Path output;
  private final @Nullable String node;
  private final PendingUploads pending;
  private final TimerScheduler<Command> timers;
  private final Disk disk;

  /** All that are not there yet. */
  private final Set<String> open = new HashSet<>();

  private final Deque<String> due = new ArrayDeque<>();
  private int underWay;
  private int failures;
  private boolean pausing;

  /**
   * The actor; it watches the router from its start on.
   *
   * @param output the folder of outputs
   * @param node this server's name if servers have output folders of their own, or null
   * @param router knows what ended, also before this start
   */
  public static Behavior<Command> create(
      StoreOptions options,
      Bucket bucket,
      Path output,
      @Nullable String node,
      ActorRef<RouterProtocol.Command> router) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new UploadActor(context, timers, options, bucket, output, node, router)));
  }

  private UploadActor(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      StoreOptions options,
      Bucket bucket,
      Path output,
      @Nullable String node,
      ActorRef<RouterProtocol.Command> router) {
    super(context);
    this.options = options;
    this.bucket = bucket;
    this.output = output;
    this.node = node;
    this.pending = new PendingUploads(options.folder());
    this.timers = timers;
    this.disk = new Disk(context.getSystem().dispatchers().lookup(DispatcherSelector.blocking()));
    router.tell(new RouterProtocol.Watch(context.messageAdapter(PromptEvent.class, Happened::new)));
    context.pipeToSelf(
        disk.run(pending::all),
        (keys, failure) -> {
          if (failure != null) {
            LOG.error("❌ Uploads from before cannot be read: {}", failure.toString());
          }
          return new Found(keys == null ? List.of() : keys);
        });
    @SuppressWarnings("unchecked")
    Class<List<PromptRecord>> records = (Class<List<PromptRecord>>) (Class<?>) List.class;
    router.tell(new RouterProtocol.History(context.messageAdapter(records, Before::new)));
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Happened.class, this::onHappened)
        .onMessage(Before.class, this::onBefore)
        .onMessage(Found.class, this::onFound)
        .onMessage(Noted.class, this::onNoted)
        .onMessage(Tried.class, this::onTried)
        .onMessage(Resume.class, this::onResume)
        .build();
  }

  private Behavior<Command> onHappened(Happened message) {
    if (message.event() instanceof PromptEvent.Ended ended) {
      Output.of(ended.outcome()).forEach(this::note);
    }
    return this;
  }

  private Behavior<Command> onBefore(Before message) {
    List<PromptRecord> history = message.history();
    history.subList(Math.max(0, history.size() - LAST_PROMPTS), history.size()).stream()
        .flatMap(record -> Output.of(record.outcome()).stream())
        .filter(
            one -> {
              Path file = one.file(output, node);
              return file != null && Files.exists(file);
            })
        .forEach(this::note);
    return this;
  }

  /** Remembers it on disk, then puts it there. */
  private void note(Output one) {
    String key = one.key();
    if (one.file(output, node) == null || !open.add(key)) {
      return;
    }
    getContext()
        .pipeToSelf(
            disk.run(
                () -> {
                  pending.put(key);
                  return key;
                }),
            (done, failure) -> new Noted(key, failure));
  }

  private Behavior<Command> onNoted(Noted message) {
    if (message.failure() != null) {
      LOG.warn(
          "⚠️ The upload of {} is not remembered across a restart: {}",
          message.key(),
          message.failure().toString());
    }
    due.add(message.key());
    next();
    return this;
  }

  private Behavior<Command> onFound(Found message) {
    message.keys().stream().filter(open::add).forEach(due::add);
    next();
    return this;
  }

  private Behavior<Command> onResume(Resume message) {
    pausing = false;
    next();
    return this;
  }

  private void next() {
    while (!pausing && underWay < AT_ONCE && !due.isEmpty()) {
      underWay++;
      String key = due.remove();
      getContext()
          .pipeToSelf(
              disk.run(
                  () -> {
                    upload(key);
                    return key;
                  }),
              (done, failure) -> new Tried(key, failure));
    }
  }

  private void upload(String key) throws IOException {
    Path file = Output.parse(key).file(output, node);
    if (file == null || !Files.isRegularFile(file)) {
      LOG.error("❌ {} was removed before it could be put into {}", key, options);
    } else {
      bucket.put(key, file);
    }
    pending.stored(key);
  }

  private Behavior<Command> onTried(Tried message) {
    underWay--;
    Throwable failure = message.failure();
    if (failure == null) {
      open.remove(message.key());
      if (failures > 0) {
        failures = 0;
        LOG.info("✅ {} takes outputs again; {} are to be put there", options, open.size());
      }
    } else {
      due.add(message.key());
      pause(failure);
    }
    next();
    return this;
  }

  /** The storage gets time, and all outputs wait: what one meets, the others meet too. */
  private void pause(Throwable failure) {
    if (pausing) {
      return;
    }
    if (failures == 0) {
      LOG.warn(
          "⚠️ {} does not take outputs, they are kept and tried again: {}",
          options,
          Disk.why(failure));
    }
    failures++;
    pausing = true;
    Duration pause = options.first().multipliedBy(1L << Math.min(failures - 1, 20));
    timers.startSingleTimer(
        new Resume(), pause.compareTo(options.longest()) > 0 ? options.longest() : pause);
  }
}
