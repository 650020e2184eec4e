package quartet.cluster.model;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.errors.Required;
import quartet.safetensors.SafetensorsFile;

/**
 * Arbitrates the host's one copy of each checkpoint: the mapped file. However many devices ask for
 * a file at once, it is opened once ("single flight"), on a thread that may block; all who asked
 * get the same one.
 *
 * <p>Owner: of every mapped file.
 */
public final class ModelCacheActor extends AbstractBehavior<ModelCacheActor.Command> {
  private static final Logger LOG = LoggerFactory.getLogger(ModelCacheActor.class);

  /** What it understands. */
  public sealed interface Command {}

  /** I need this file. */
  public record Acquire(Path file, ActorRef<Acquired> replyTo) implements Command {}

  /** I no longer need it. */
  public record Release(Path file) implements Command {}

  /** Close what nobody holds. */
  public record DropUnused() implements Command {}

  /** Say what you hold. */
  public record Snapshot(ActorRef<Holdings> replyTo) implements Command {}

  private record Opened(
      Path file, @Nullable SafetensorsFile mapped, @Nullable RuntimeException failure)
      implements Command {}

  /** Answer to {@link Acquire}: one of the two is there. */
  public record Acquired(@Nullable SafetensorsFile mapped, @Nullable RuntimeException failure) {}

  /**
   * What the host holds.
   *
   * @param holders devices per file
   * @param opened files opened since the start
   */
  public record Holdings(Map<Path, Integer> holders, long bytes, long opened) {}

  private final ModelLedger<SafetensorsFile> ledger;
  private final Map<Path, List<ActorRef<Acquired>>> opening = new HashMap<>();
  private final Executor blocking;
  private long opened;

  /** The actor; files beyond {@code budgetBytes} that nobody holds are closed. */
  public static Behavior<Command> create(long budgetBytes) {
    return Behaviors.setup(context -> new ModelCacheActor(context, budgetBytes));
  }

  private ModelCacheActor(ActorContext<Command> context, long budgetBytes) {
    super(context);
    this.ledger = new ModelLedger<>(budgetBytes);
    this.blocking = context.getSystem().dispatchers().lookup(DispatcherSelector.blocking());
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Acquire.class, this::onAcquire)
        .onMessage(Opened.class, this::onOpened)
        .onMessage(Release.class, this::onRelease)
        .onMessage(DropUnused.class, message -> close(ledger.dropUnused()))
        .onMessage(Snapshot.class, this::onSnapshot)
        // Not the held ones: a device thread may still be reading them, and reading unmapped memory
        // is a crash of the process. They stay mapped until it ends.
        .onSignal(PostStop.class, signal -> close(ledger.dropUnused()))
        .build();
  }

  private Behavior<Command> onAcquire(Acquire message) {
    Path file = message.file();
    ledger
        .acquire(file)
        .ifPresentOrElse(
            mapped -> message.replyTo().tell(new Acquired(mapped, null)),
            () -> {
              List<ActorRef<Acquired>> asking = opening.get(file);
              if (asking != null) {
                asking.add(message.replyTo());
              } else {
                opening.put(file, new ArrayList<>(List.of(message.replyTo())));
                getContext()
                    .pipeToSelf(
                        CompletableFuture.supplyAsync(() -> SafetensorsFile.open(file), blocking),
                        (mapped, failure) ->
                            new Opened(file, mapped, failure == null ? null : unwrap(failure)));
              }
            });
    return this;
  }

  private Behavior<Command> onOpened(Opened message) {
    List<ActorRef<Acquired>> asking = Required.in(opening, message.file());
    opening.remove(message.file());
    SafetensorsFile mapped = message.mapped();
    if (mapped == null) {
      asking.forEach(one -> one.tell(new Acquired(null, message.failure())));
      return this;
    }
    opened++;
    List<SafetensorsFile> surplus = ledger.opened(message.file(), mapped, bytes(mapped));
    LOG.info(
        "📦 {} mapped once for all devices: {} MB, {} tensors",
        message.file().getFileName(),
        bytes(mapped) / 1_000_000,
        mapped.names().size());
    for (ActorRef<Acquired> one : asking) {
      one.tell(new Acquired(ledger.acquire(message.file()).orElseThrow(), null));
    }
    return close(surplus);
  }

  private Behavior<Command> onRelease(Release message) {
    ledger.release(message.file());
    return this;
  }

  private Behavior<Command> onSnapshot(Snapshot message) {
    message.replyTo().tell(new Holdings(ledger.holders(), ledger.bytes(), opened));
    return this;
  }

  private Behavior<Command> close(List<SafetensorsFile> files) {
    files.forEach(SafetensorsFile::close);
    return this;
  }

  private static long bytes(SafetensorsFile file) {
    return file.names().stream().mapToLong(name -> file.tensor(name).byteSize()).sum();
  }

  private static RuntimeException unwrap(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause instanceof RuntimeException runtime
        ? runtime
        : new IllegalStateException("opening a checkpoint failed: " + cause, cause);
  }
}
