package quartet.cluster.fleet;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.Behavior;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.cluster.ClusterEvent;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Subscribe;
import akka.japi.function.Function;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.journal.JournalDatabase;
import quartet.cluster.journal.JournalProtocol;
import quartet.cluster.node.RouterProtocol;
import quartet.cluster.placement.NodeOutlook;

/**
 * Speaks for a server in its cluster. It tells the others how things look here, passes events on,
 * gives prompts to servers that are idle, takes them from servers that are busy, and cleans up
 * after servers that are gone ({@link Takeover}). What clients ask goes through {@link Front}.
 *
 * <p>Whom a prompt belongs to stands in the journal and nowhere else: every message here may be
 * lost, late or twice, and a prompt is neither lost nor ended twice.
 */
public final class Fleet extends AbstractBehavior<Fleet.Command> {
  private static final Logger LOG = LoggerFactory.getLogger(Fleet.class);

  /** The others find it by this name. */
  public static final String NAME = Peers.ACTOR;

  private static final Duration BEAT = Duration.ofMillis(200);
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  /** What it understands: messages of other servers, and of this one. */
  public sealed interface Command permits FleetMessage, Look, Joined, Leave, Asked, Internal {}

  /** Say who belongs to the cluster, this server first. */
  public record Look(ActorRef<List<NodeState>> replyTo) implements Command {}

  /** Say when this server has been let in. */
  public record Joined(ActorRef<Done> replyTo) implements Command {}

  /**
   * Give waiting prompts away and let running ones end. The answer comes when that is done, or
   * after that time.
   */
  public record Leave(Duration patience, ActorRef<Done> replyTo) implements Command {}

  /** Something a client of this server wants. */
  record Asked(RouterProtocol.Command what) implements Command {}

  /** What it tells itself. */
  sealed interface Internal extends Command
      permits Tick, Own, FromLocal, Membership, Trade.GivenAway, Trade.Kept, Takeover.Result {}

  private record Tick() implements Internal {}

  private record Own(@Nullable NodeOutlook outlook) implements Internal {}

  private record FromLocal(PromptEvent event) implements Internal {}

  private record Membership(ClusterEvent.ClusterDomainEvent event) implements Internal {}

  private record Leaving(long untilNanos, ActorRef<Done> replyTo) {}

  private final FleetSettings settings;
  private final ActorRef<RouterProtocol.Command> router;
  private final Peers peers;
  private final Tombstones tombstones = new Tombstones();
  private final Takeover takeover;
  private final Front front;
  private final FleetEvents events;
  private final Trade trade;
  private final List<ActorRef<Done>> awaitJoin = new ArrayList<>();
  private @Nullable NodeOutlook own;
  private @Nullable Leaving leaving;
  private boolean asking;

  /** The actor. It has to be spawned under the name {@link #NAME}. */
  public static Behavior<Command> create(
      FleetSettings settings,
      ActorRef<RouterProtocol.Command> router,
      ActorRef<JournalProtocol.Command> journal,
      JournalDatabase database) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new Fleet(context, timers, settings, router, journal, database)));
  }

  /** The role by which others know a server's name. */
  public static String nameRole(String node) {
    return Peers.NAME_ROLE + node;
  }

  /** Speaks as a router to clients, for the whole cluster. */
  public static Behavior<RouterProtocol.Command> front(ActorRef<Command> fleet) {
    return Behaviors.receiveMessage(
        message -> {
          fleet.tell(new Asked(message));
          return Behaviors.same();
        });
  }

  private Fleet(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      FleetSettings settings,
      ActorRef<RouterProtocol.Command> router,
      ActorRef<JournalProtocol.Command> journal,
      JournalDatabase database) {
    super(context);
    this.settings = settings;
    this.router = router;
    Cluster cluster = Cluster.get(context.getSystem());
    this.peers = new Peers(cluster, ActorRefResolver.get(context.getSystem()), System::nanoTime);
    this.takeover = new Takeover(context, settings.self(), peers, router, journal, database);
    this.events = new FleetEvents(settings.self().node(), router, peers, takeover);
    this.trade = new Trade(context, settings.self(), peers, router, tombstones, BEAT);
    this.front = new Front(context.getSystem(), settings, router, peers, tombstones);
    router.tell(
        new RouterProtocol.Watch(context.messageAdapter(PromptEvent.class, FromLocal::new)));
    cluster
        .subscriptions()
        .tell(
            Subscribe.create(
                context.messageAdapter(ClusterEvent.ClusterDomainEvent.class, Membership::new),
                ClusterEvent.ClusterDomainEvent.class));
    timers.startTimerWithFixedDelay(new Tick(), BEAT);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Asked.class, this::onAsked)
        .onMessage(Tick.class, message -> onTick())
        .onMessage(Own.class, this::onOwn)
        .onMessage(FromLocal.class, this::onLocal)
        .onMessage(Membership.class, this::onMembership)
        .onMessage(FleetMessage.Beat.class, this::onBeat)
        .onMessage(FleetMessage.Happened.class, done(events::happened))
        .onMessage(FleetMessage.Ended.class, done(events::ended))
        .onMessage(FleetMessage.Post.class, done(trade::post))
        .onMessage(FleetMessage.Steal.class, done(trade::stolen))
        .onMessage(Trade.GivenAway.class, done(trade::givenAway))
        .onMessage(FleetMessage.Adopt.class, done(trade::adopt))
        .onMessage(Trade.Kept.class, done(trade::kept))
        .onMessage(FleetMessage.Adopted.class, done(trade::adopted))
        .onMessage(FleetMessage.Interrupt.class, this::onInterrupt)
        .onMessage(FleetMessage.Delete.class, this::onDelete)
        .onMessage(FleetMessage.Forget.class, this::onForget)
        .onMessage(FleetMessage.Move.class, this::onMove)
        .onMessage(FleetMessage.AskQueues.class, this::onAskQueues)
        .onMessage(Takeover.Result.class, this::onTakeover)
        .onMessage(Look.class, this::onLook)
        .onMessage(Joined.class, this::onJoined)
        .onMessage(Leave.class, this::onLeave)
        .onSignal(Terminated.class, this::onTerminated)
        .build();
  }

  private static <M> Function<M, Behavior<Command>> done(Consumer<M> work) {
    return message -> {
      work.accept(message);
      return Behaviors.same();
    };
  }

  // What this server says of itself.

  private Behavior<Command> onTick() {
    ask();
    trade.tick();
    takeover.tick();
    if (peers.selfIsUp()) {
      awaitJoin.forEach(one -> one.tell(Done.getInstance()));
      awaitJoin.clear();
    }
    return this;
  }

  private void ask() {
    if (!asking) {
      asking = true;
      getContext()
          .ask(
              NodeOutlook.class,
              router,
              PATIENCE,
              RouterProtocol.Outlook::new,
              (outlook, failure) -> new Own(outlook));
    }
  }

  private Behavior<Command> onOwn(Own message) {
    asking = false;
    NodeOutlook told = message.outlook();
    if (told != null) {
      own =
          new NodeOutlook(
              told.node(),
              told.epoch(),
              settings.version(),
              settings.http().get(),
              told.gpus(),
              told.open(),
              told.capacity(),
              told.waiting(),
              told.givable(),
              told.takes() && leaving == null,
              told.counter(),
              settings.models().get());
      FleetMessage.Beat beat = new FleetMessage.Beat(own, events.ends(), settings.sharedFiles());
      peers.all().forEach(peer -> peer.ref.tell(beat));
      front.own(own);
      trade.steal(own);
      leave(own);
    }
    return this;
  }

  private Behavior<Command> onBeat(FleetMessage.Beat beat) {
    Peers.Peer peer = peers.heard(beat.outlook());
    if (peer != null) {
      peer.shared = beat.shared();
      router.tell(new RouterProtocol.CountFrom(beat.outlook().counter()));
      events.endsOf(peer, beat.ends());
      events.tellQueueLength();
    }
    return this;
  }

  private Behavior<Command> onMembership(Membership message) {
    if (message.event() instanceof ClusterEvent.MemberRemoved removed) {
      takeover.removed(removed.member().uniqueAddress().longUid());
      LOG.warn(
          "🔌 Server {} ({}) has left the cluster",
          Peers.name(removed.member()),
          Peers.address(removed.member()));
    }
    if (message.event() instanceof ClusterEvent.MemberUp up) {
      LOG.info("🔗 Server {} ({}) is up", Peers.name(up.member()), Peers.address(up.member()));
    }
    if (message.event() instanceof ClusterEvent.UnreachableMember lost) {
      LOG.warn(
          "⚠️ Server {} ({}) does not answer",
          Peers.name(lost.member()),
          Peers.address(lost.member()));
    }
    if (peers.changed(message.event())) {
      takeover.look();
      takeover.readHistory();
      ask();
    }
    return this;
  }

  private Behavior<Command> onLocal(FromLocal message) {
    events.local(message.event());
    if (message.event() instanceof PromptEvent.Ended) {
      ask(); // a device is free: perhaps somebody has work for it
    }
    return this;
  }

  /** Prompts of a server that is gone belong to somebody again. */
  private Behavior<Command> onTakeover(Takeover.Result result) {
    takeover
        .done(result, own)
        .forEach(
            taken -> {
              if (taken.to().equals(settings.self())) {
                trade.adopt(taken.prompt(), settings.self());
              } else {
                trade.hand(taken.prompt(), taken.to());
              }
            });
    return this;
  }

  // What clients want.

  private Behavior<Command> onAsked(Asked message) {
    if (message.what() instanceof RouterProtocol.Watch watch) {
      getContext().watch(watch.watcher());
      events.watchers().add(watch.watcher());
    } else {
      front.handle(message.what());
    }
    return this;
  }

  @SuppressWarnings("unchecked") // only watchers are watched
  private Behavior<Command> onTerminated(Terminated signal) {
    events.watchers().remove((ActorRef<PromptEvent>) (ActorRef<?>) signal.getRef());
    return this;
  }

  private Behavior<Command> onInterrupt(FleetMessage.Interrupt message) {
    router.tell(new RouterProtocol.Interrupt(message.promptId(), null));
    return this;
  }

  private Behavior<Command> onDelete(FleetMessage.Delete message) {
    Set<String> ids = message.promptIds();
    if (ids == null) {
      router.tell(new RouterProtocol.ClearPending(null));
    } else {
      tombstones.add(ids, System.nanoTime());
      router.tell(new RouterProtocol.DeletePending(ids));
    }
    return this;
  }

  private Behavior<Command> onForget(FleetMessage.Forget message) {
    router.tell(new RouterProtocol.ForgetHistory(message.promptIds()));
    return this;
  }

  private Behavior<Command> onMove(FleetMessage.Move move) {
    AskPattern.<RouterProtocol.Command, RouterProtocol.ChangeReply>ask(
            router,
            replyTo -> new RouterProtocol.Move(move.promptId(), Moves.where(move), replyTo),
            PATIENCE,
            getContext().getSystem().scheduler())
        .thenAccept(
            reply ->
                move.replyTo()
                    .tell(new FleetMessage.Moved(reply instanceof RouterProtocol.Changed)));
    return this;
  }

  private Behavior<Command> onAskQueues(FleetMessage.AskQueues message) {
    AskPattern.<RouterProtocol.Command, List<quartet.cluster.gpu.GpuSnapshot>>ask(
            router, RouterProtocol.Queues::new, PATIENCE, getContext().getSystem().scheduler())
        .thenAccept(gpus -> message.replyTo().tell(QueuePages.page(gpus, message.from())));
    return this;
  }

  private Behavior<Command> onLook(Look message) {
    message.replyTo().tell(peers.states(own, settings.self().node()));
    return this;
  }

  // Coming and going.

  private Behavior<Command> onJoined(Joined message) {
    awaitJoin.add(message.replyTo());
    return this;
  }

  private Behavior<Command> onLeave(Leave message) {
    leaving = new Leaving(System.nanoTime() + message.patience().toNanos(), message.replyTo());
    router.tell(
        new RouterProtocol.Drain(
            RouterProtocol.DrainMode.RUNNING, getContext().getSystem().ignoreRef()));
    ask();
    return this;
  }

  private void leave(NodeOutlook mine) {
    Leaving goal = leaving;
    if (goal == null) {
      return;
    }
    if (trade.giveAll(mine) || System.nanoTime() - goal.untilNanos() >= 0) {
      leaving = null;
      goal.replyTo().tell(Done.getInstance());
    }
  }
}
