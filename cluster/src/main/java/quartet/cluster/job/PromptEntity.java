package quartet.cluster.job;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.persistence.typed.PersistenceId;
import akka.persistence.typed.RecoveryCompleted;
import akka.persistence.typed.SnapshotSelectionCriteria;
import akka.persistence.typed.javadsl.CommandHandler;
import akka.persistence.typed.javadsl.Effect;
import akka.persistence.typed.javadsl.EventHandler;
import akka.persistence.typed.javadsl.EventSourcedBehavior;
import akka.persistence.typed.javadsl.Recovery;
import akka.persistence.typed.javadsl.SignalHandler;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One prompt's journal. Takes facts and says when they are stored; {@link PromptLife} decides. A
 * fact that is there already is not stored again, so whoever is in doubt may send it once more.
 *
 * <p>A storage that fails stops the actor; whoever watches it tries again with a new one.
 */
public final class PromptEntity
    extends EventSourcedBehavior<PromptEntity.Command, PromptFact, PromptLife> {
  private static final Logger LOG = LoggerFactory.getLogger(PromptEntity.class);

  /** The name under which sharding would know these entities: part of every persistence id. */
  public static final String TYPE = "Prompt";

  /** What it understands. */
  public sealed interface Command {}

  /**
   * Store these, in one step.
   *
   * @param by the server in whose name; nothing is stored if the prompt belongs to another. Null
   *     where there is no cluster
   */
  public record Write(List<PromptFact> facts, @Nullable Owner by, ActorRef<Written> replyTo)
      implements Command {
    /** Copies the list. */
    public Write {
      facts = List.copyOf(facts);
    }
  }

  /** Done with it for now. */
  public record Stop() implements Command {}

  /**
   * The facts are stored; this is the prompt's life with them.
   *
   * @param refused nothing was stored, since the prompt belongs to another server
   */
  public record Written(String promptId, PromptLife life, boolean refused) {}

  private final String promptId;

  private PromptEntity(String promptId) {
    super(id(promptId));
    this.promptId = promptId;
  }

  /** One prompt's journal. */
  public static Behavior<Command> create(String promptId) {
    return new PromptEntity(promptId);
  }

  /** Under which id a prompt's facts are stored. */
  public static PersistenceId id(String promptId) {
    return PersistenceId.of(TYPE, promptId);
  }

  /** The prompt of a persistence id. */
  public static String promptId(String persistenceId) {
    return persistenceId.startsWith(TYPE + "|")
        ? persistenceId.substring(TYPE.length() + 1)
        : persistenceId;
  }

  @Override
  public PromptLife emptyState() {
    return new PromptLife.Unknown();
  }

  @Override
  public Recovery recovery() {
    return Recovery.withSnapshotSelectionCriteria(SnapshotSelectionCriteria.none());
  }

  @Override
  public CommandHandler<Command, PromptFact, PromptLife> commandHandler() {
    return newCommandHandlerBuilder()
        .forAnyState()
        .onCommand(Write.class, this::write)
        .onCommand(Stop.class, () -> Effect().stop())
        .build();
  }

  private Effect<PromptFact, PromptLife> write(PromptLife life, Write message) {
    if (life.isOfAnother(message.by())) {
      message.replyTo().tell(new Written(promptId, life, true));
      return Effect().none();
    }
    List<PromptFact> fresh = new ArrayList<>();
    PromptLife then = life;
    for (PromptFact fact : message.facts()) {
      if (then.takes(fact)) {
        fresh.add(fact);
        then = then.after(fact);
      }
    }
    return Effect()
        .persist(fresh)
        .thenRun(now -> message.replyTo().tell(new Written(promptId, now, false)));
  }

  @Override
  public EventHandler<PromptLife, PromptFact> eventHandler() {
    return newEventHandlerBuilder()
        .forAnyState()
        .onAnyEvent((life, fact) -> java.util.Objects.requireNonNull(life).after(fact));
  }

  @Override
  public SignalHandler<PromptLife> signalHandler() {
    return newSignalHandlerBuilder()
        .onSignal(
            RecoveryCompleted.instance(),
            life -> {
              if (life instanceof PromptLife.SetAside aside) {
                LOG.error("Prompt {} is set aside: {}", promptId, aside.reason());
              }
            })
        .build();
  }
}
