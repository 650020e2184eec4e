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
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.job.Owner;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.journal.JournalDatabase;
import quartet.cluster.journal.JournalProtocol;
import quartet.cluster.journal.Recovered;
import quartet.cluster.node.RouterProtocol;
import quartet.cluster.placement.NodeChoice;
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

  /** Events that are larger stay on their server: messages between servers are bounded. */
  private static final int MAX_EVENT = 700_000;

  /** Prompts that are given at once; the next beat gives more. */
  private static final int MOST_AT_ONCE = 200;

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
      permits Tick, Own, FromLocal, Membership, GivenAway, Kept, Takeover.Result {}

  private record Tick() implements Internal {}

  private record Own(@Nullable NodeOutlook outlook) implements Internal {}

  private record FromLocal(PromptEvent event) implements Internal {}

  private record Membership(ClusterEvent.ClusterDomainEvent event) implements Internal {}

  private record GivenAway(RouterProtocol.@Nullable Given given) implements Internal {}

  private record Kept(String promptId, Owner from) implements Internal {}

  private record Leaving(long untilNanos, ActorRef<Done> replyTo) {}

  private final FleetSettings settings;
  private final ActorRef<RouterProtocol.Command> router;
  private final Peers peers;
  private final Transit transit;
  private final Tombstones tombstones = new Tombstones();
  private final Takeover takeover;
  private final Front front;
  private final Set<ActorRef<PromptEvent>> watchers = new LinkedHashSet<>();
  private final Map<String, PromptJob> remote = new HashMap<>();
  private final Map<String, PromptRecord> local = new HashMap<>();
  private final List<ActorRef<Done>> awaitJoin = new ArrayList<>();
  private @Nullable NodeOutlook own;
  private @Nullable Leaving leaving;
  private long ends;
  private boolean asking;
  private int giving;
  private long stoleNanos;
  private int remaining = -1;
  private int localRemaining;

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
    this.transit = new Transit(settings.self().node());
    this.takeover = new Takeover(context, settings.self(), peers, router, journal, database);
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
        .onMessage(FleetMessage.Happened.class, this::onHappened)
        .onMessage(FleetMessage.Ended.class, this::onEnded)
        .onMessage(FleetMessage.Post.class, this::onPost)
        .onMessage(FleetMessage.Steal.class, this::onSteal)
        .onMessage(GivenAway.class, this::onGivenAway)
        .onMessage(FleetMessage.Adopt.class, this::onAdopt)
        .onMessage(Kept.class, this::onKept)
        .onMessage(FleetMessage.Adopted.class, this::onAdopted)
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

  // What this server says of itself.

  private Behavior<Command> onTick() {
    ask();
    transit.due(peers.epochs(), System.nanoTime()).forEach(this::send);
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
      FleetMessage.Beat beat = new FleetMessage.Beat(own, ends, settings.sharedFiles());
      peers.all().forEach(peer -> peer.ref.tell(beat));
      front.own(own);
      steal(own);
      leave(own);
    }
    return this;
  }

  private Behavior<Command> onBeat(FleetMessage.Beat beat) {
    Peers.Peer peer = peers.heard(beat.outlook());
    if (peer != null) {
      peer.shared = beat.shared();
      router.tell(new RouterProtocol.CountFrom(beat.outlook().counter()));
      if (peer.ends >= 0 && beat.ends() > peer.ends) {
        takeover.readHistory(); // an end was told and did not arrive
      }
      peer.ends = Math.max(peer.ends, beat.ends());
      tellQueueLength();
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

  // Events.

  private Behavior<Command> onLocal(FromLocal message) {
    switch (message.event()) {
      case PromptEvent.QueueChanged changed -> {
        localRemaining = changed.remaining();
        tellQueueLength();
      }
      case PromptEvent.Ended ended -> {
        publish(ended);
        tellEnd(ended);
        ask(); // a device is free: perhaps somebody has work for it
      }
      case PromptEvent.OfPrompt event -> {
        note(event);
        publish(event);
        if (!peers.answering().isEmpty()) {
          EventCodec.json(event).ifPresent(this::tellEvent);
        }
      }
    }
    return this;
  }

  /** What the record of an end needs and the end itself does not tell. */
  private void note(PromptEvent.OfPrompt event) {
    String id = event.job().promptId();
    if (event instanceof PromptEvent.Started started) {
      local.put(id, record(started.job(), List.of(), started.timestampMillis()));
    } else if (event instanceof PromptEvent.Cached cached && local.containsKey(id)) {
      local.put(id, record(cached.job(), cached.nodeIds(), cached.timestampMillis()));
    }
  }

  private static PromptRecord record(PromptJob job, List<String> cached, long startedMillis) {
    return new PromptRecord(
        job,
        0,
        new quartet.engine.exec.ExecutionOutcome.Succeeded(Map.of()),
        cached,
        startedMillis,
        0);
  }

  private void tellEvent(ObjectNode event) {
    boolean small =
        !(event.path("png").isBinary() && event.path("png").toString().length() > MAX_EVENT);
    if (small) {
      FleetMessage.Happened happened = new FleetMessage.Happened(settings.self().node(), event);
      peers.answering().forEach(peer -> peer.ref.tell(happened));
    }
  }

  private void tellEnd(PromptEvent.Ended ended) {
    ends++;
    PromptRecord begun = local.remove(ended.job().promptId());
    PromptRecord record =
        new PromptRecord(
            ended.job(),
            ended.gpuId(),
            ended.outcome(),
            begun == null ? List.of() : begun.cached(),
            begun == null ? ended.timestampMillis() : begun.startedMillis(),
            ended.timestampMillis());
    FleetMessage.Ended message =
        new FleetMessage.Ended(settings.self().node(), ends, EventCodec.record(record));
    if (message.record().toString().length() <= MAX_EVENT) { // otherwise they read the journal
      peers.answering().forEach(peer -> peer.ref.tell(message));
    }
  }

  private Behavior<Command> onHappened(FleetMessage.Happened message) {
    String id = message.event().path("id").asText();
    EventCodec.event(message.event(), remote.get(id))
        .ifPresent(
            event -> {
              if (event instanceof PromptEvent.Started) {
                remote.put(id, event.job());
              } else if (event instanceof PromptEvent.Closed) {
                remote.remove(id);
              }
              publish(event);
            });
    return this;
  }

  private Behavior<Command> onEnded(FleetMessage.Ended message) {
    peers
        .named(message.node())
        .ifPresent(
            peer -> {
              if (peer.ends >= 0 && message.sequence() > peer.ends + 1) {
                takeover.readHistory();
              }
              peer.ends = Math.max(peer.ends, message.sequence());
            });
    EventCodec.record(message.record())
        .ifPresent(
            record -> {
              router.tell(new RouterProtocol.Learn(List.of(record)));
              publish(
                  new PromptEvent.Ended(
                      record.job(), record.gpuId(), record.outcome(), record.endedMillis()));
            });
    return this;
  }

  private void tellQueueLength() {
    int now = localRemaining;
    for (NodeOutlook other : peers.outlooks()) {
      now += other.open();
    }
    if (now != remaining) {
      remaining = now;
      publish(new PromptEvent.QueueChanged(now));
    }
  }

  private void publish(PromptEvent event) {
    watchers.forEach(watcher -> watcher.tell(event));
  }

  // Prompts that go from one server to another.

  private Behavior<Command> onPost(FleetMessage.Post post) {
    router.tell(new RouterProtocol.CountFrom(post.counter()));
    AskPattern.<RouterProtocol.Command, RouterProtocol.SubmitReply>ask(
            router,
            replyTo -> Posts.request(post, replyTo),
            PATIENCE.multipliedBy(2),
            getContext().getSystem().scheduler())
        .thenAccept(reply -> post.replyTo().tell(Posts.answer(reply)));
    return this;
  }

  private void steal(NodeOutlook mine) {
    long now = System.nanoTime();
    if (now - stoleNanos < BEAT.toNanos() / 2 || !peers.selfIsUp()) {
      return;
    }
    NodeChoice.giver(mine, peers.outlooks())
        .ifPresent(
            giver -> {
              Peers.Peer peer = peers.find(giver.epoch());
              if (peer != null) {
                stoleNanos = now;
                peer.ref.tell(
                    new FleetMessage.Steal(
                        settings.self().node(), settings.self().epoch(), mine.idle()));
              }
            });
  }

  private Behavior<Command> onSteal(FleetMessage.Steal wish) {
    Peers.Peer thief = peers.find(wish.epoch());
    if (thief != null && thief.up()) {
      give(wish.most(), false, thief.owner);
    }
    return this;
  }

  private void give(int most, boolean pinnedToo, Owner to) {
    giving++;
    getContext()
        .ask(
            RouterProtocol.Given.class,
            router,
            PATIENCE.multipliedBy(3),
            replyTo -> new RouterProtocol.Give(most, pinnedToo, to, replyTo),
            (given, failure) -> new GivenAway(given));
  }

  private Behavior<Command> onGivenAway(GivenAway message) {
    giving--;
    RouterProtocol.Given given = message.given();
    if (given != null) {
      given.prompts().forEach(prompt -> send(transit.send(prompt, given.to(), System.nanoTime())));
    }
    return this;
  }

  private void send(Transit.Due due) {
    Peers.Peer peer = peers.find(due.to().epoch());
    if (peer != null) {
      peer.ref.tell(due.message());
    }
  }

  private Behavior<Command> onAdopt(FleetMessage.Adopt message) {
    EventCodec.entry(message.entry())
        .filter(entry -> settings.self().equals(entry.owner()))
        .ifPresent(
            entry ->
                peers
                    .named(message.from())
                    .ifPresent(
                        from ->
                            adopt(
                                new Recovered.Open(entry, null, message.attempts(), message.ran()),
                                from.owner)));
    return this;
  }

  private void adopt(Recovered.Open prompt, Owner from) {
    String promptId = prompt.job().promptId();
    getContext()
        .ask(
            Done.class,
            router,
            PATIENCE,
            replyTo -> new RouterProtocol.Adopt(prompt, replyTo),
            (done, failure) -> new Kept(failure == null ? promptId : "", from));
  }

  private Behavior<Command> onKept(Kept message) {
    String promptId = message.promptId();
    if (promptId.isEmpty()) {
      return this; // it is sent again
    }
    if (tombstones.has(promptId, System.nanoTime())) {
      router.tell(new RouterProtocol.DeletePending(Set.of(promptId)));
      router.tell(new RouterProtocol.Interrupt(promptId, null));
    }
    Peers.Peer from = peers.find(message.from().epoch());
    if (from != null) {
      from.ref.tell(new FleetMessage.Adopted(promptId));
    }
    return this;
  }

  private Behavior<Command> onAdopted(FleetMessage.Adopted message) {
    transit.arrived(message.promptId());
    return this;
  }

  /** Prompts of a server that is gone belong to somebody again. */
  private Behavior<Command> onTakeover(Takeover.Result result) {
    takeover
        .done(result, own)
        .forEach(
            taken -> {
              if (taken.to().equals(settings.self())) {
                adopt(taken.prompt(), settings.self());
              } else {
                send(transit.send(taken.prompt(), taken.to(), System.nanoTime()));
              }
            });
    return this;
  }

  // What clients want.

  private Behavior<Command> onAsked(Asked message) {
    if (message.what() instanceof RouterProtocol.Watch watch) {
      watchers.add(watch.watcher());
      getContext().watch(watch.watcher());
      watch.watcher().tell(new PromptEvent.QueueChanged(Math.max(0, remaining)));
    } else {
      front.handle(message.what());
    }
    return this;
  }

  @SuppressWarnings("unchecked") // only watchers are watched
  private Behavior<Command> onTerminated(Terminated signal) {
    watchers.remove((ActorRef<PromptEvent>) (ActorRef<?>) signal.getRef());
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
    List<NodeOutlook> others = peers.outlooks().stream().filter(NodeOutlook::takes).toList();
    boolean nothingWaits = mine.waiting() == 0 && giving == 0 && transit.isEmpty();
    boolean nothingRuns = mine.open() <= mine.waiting();
    if ((nothingRuns && (nothingWaits || others.isEmpty()))
        || System.nanoTime() - goal.untilNanos() >= 0) {
      leaving = null;
      goal.replyTo().tell(Done.getInstance());
      return;
    }
    if (mine.waiting() > 0 && giving == 0 && !others.isEmpty()) {
      int each = Math.min(MOST_AT_ONCE, Math.ceilDiv(mine.waiting(), others.size()));
      for (NodeOutlook other : others) {
        Optional.ofNullable(peers.find(other.epoch()))
            .ifPresent(peer -> give(each, true, peer.owner));
      }
    }
  }
}
