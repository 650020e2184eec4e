package quartet.cluster.fleet;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.Owner;
import quartet.cluster.journal.Recovered;
import quartet.cluster.node.RouterProtocol;
import quartet.cluster.placement.NodeChoice;
import quartet.cluster.placement.NodeOutlook;

/**
 * Prompts that go from one server to another: from busy ones to idle ones, from one that leaves to
 * those that stay, and from one that is gone to whoever takes over.
 *
 * <p>Thread: the fleet's.
 */
final class Trade {
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  /** Prompts that are given at once; the next beat gives more. */
  private static final int MOST_AT_ONCE = 200;

  /** The router has let prompts go, or has not answered. */
  record GivenAway(RouterProtocol.@Nullable Given given) implements Fleet.Internal {}

  /** The router has a prompt of that server; empty if it did not answer. */
  record Kept(String promptId, Owner from) implements Fleet.Internal {}

  private final ActorContext<Fleet.Command> context;
  private final Owner self;
  private final Peers peers;
  private final ActorRef<RouterProtocol.Command> router;
  private final Tombstones tombstones;
  private final Duration beat;
  private final Transit transit;
  private int giving;
  private long stoleNanos;

  Trade(
      ActorContext<Fleet.Command> context,
      Owner self,
      Peers peers,
      ActorRef<RouterProtocol.Command> router,
      Tombstones tombstones,
      Duration beat) {
    this.context = context;
    this.self = self;
    this.peers = peers;
    this.router = router;
    this.tombstones = tombstones;
    this.beat = beat;
    this.transit = new Transit(self.node());
  }

  /** Sends again what has not been confirmed. */
  void tick() {
    transit.due(peers.epochs(), System.nanoTime()).forEach(this::send);
  }

  /** A prompt that a client of another server posted. */
  void post(FleetMessage.Post post) {
    router.tell(new RouterProtocol.CountFrom(post.counter()));
    AskPattern.<RouterProtocol.Command, RouterProtocol.SubmitReply>ask(
            router,
            replyTo -> Posts.request(post, replyTo),
            PATIENCE.multipliedBy(2),
            context.getSystem().scheduler())
        .thenAccept(reply -> post.replyTo().tell(Posts.answer(reply)));
  }

  /** Asks the busiest server for prompts if there is nothing to do here. */
  void steal(NodeOutlook mine) {
    long now = System.nanoTime();
    if (now - stoleNanos < beat.toNanos() / 2 || !peers.selfIsUp()) {
      return;
    }
    NodeChoice.giver(mine, peers.outlooks())
        .ifPresent(
            giver -> {
              Peers.Peer peer = peers.find(giver.epoch());
              if (peer != null) {
                stoleNanos = now;
                peer.ref.tell(new FleetMessage.Steal(self.node(), self.epoch(), mine.idle()));
              }
            });
  }

  /** An idle server wants prompts. */
  void stolen(FleetMessage.Steal wish) {
    Peers.Peer thief = peers.find(wish.epoch());
    if (thief != null && thief.up()) {
      give(wish.most(), false, thief.owner);
    }
  }

  private void give(int most, boolean pinnedToo, Owner to) {
    giving++;
    context.ask(
        RouterProtocol.Given.class,
        router,
        PATIENCE.multipliedBy(3),
        replyTo -> new RouterProtocol.Give(most, pinnedToo, to, replyTo),
        (given, failure) -> new GivenAway(given));
  }

  void givenAway(GivenAway message) {
    giving--;
    RouterProtocol.Given given = message.given();
    if (given != null) {
      given.prompts().forEach(prompt -> hand(prompt, given.to()));
    }
  }

  /** Sends a prompt until its new server confirms it. */
  void hand(Recovered.Open prompt, Owner to) {
    send(transit.send(prompt, to, System.nanoTime()));
  }

  private void send(Transit.Due due) {
    Peers.Peer peer = peers.find(due.to().epoch());
    if (peer != null) {
      peer.ref.tell(due.message());
    }
  }

  /** A prompt from another server, by the journal this one's. */
  void adopt(FleetMessage.Adopt message) {
    EventCodec.entry(message.entry())
        .filter(entry -> self.equals(entry.owner()))
        .ifPresent(
            entry ->
                peers
                    .named(message.from())
                    .ifPresent(
                        from ->
                            adopt(
                                new Recovered.Open(entry, null, message.attempts(), message.ran()),
                                from.owner)));
  }

  /** Has the router take a prompt; whom it came from hears of it then. */
  void adopt(Recovered.Open prompt, Owner from) {
    String promptId = prompt.job().promptId();
    context.ask(
        Done.class,
        router,
        PATIENCE,
        replyTo -> new RouterProtocol.Adopt(prompt, replyTo),
        (done, failure) -> new Kept(failure == null ? promptId : "", from));
  }

  void kept(Kept message) {
    String promptId = message.promptId();
    if (promptId.isEmpty()) {
      return; // it is sent again
    }
    if (tombstones.has(promptId, System.nanoTime())) {
      router.tell(new RouterProtocol.DeletePending(Set.of(promptId)));
      router.tell(new RouterProtocol.Interrupt(promptId, null));
    }
    Peers.Peer from = peers.find(message.from().epoch());
    if (from != null) {
      from.ref.tell(new FleetMessage.Adopted(promptId));
    }
  }

  /** A prompt has arrived. */
  void adopted(FleetMessage.Adopted message) {
    transit.arrived(message.promptId());
  }

  /** Whether nothing that waited here is on its way. */
  private boolean nothingWaits(NodeOutlook mine) {
    return mine.waiting() == 0 && giving == 0 && transit.isEmpty();
  }

  /**
   * Gives away what waits, as this server leaves.
   *
   * @return whether all is done: nothing runs, and nothing waits that somebody could take
   */
  boolean giveAll(NodeOutlook mine) {
    List<NodeOutlook> others = peers.outlooks().stream().filter(NodeOutlook::takes).toList();
    boolean nothingRuns = mine.open() <= mine.waiting();
    if (nothingRuns && (nothingWaits(mine) || others.isEmpty())) {
      return true;
    }
    if (mine.waiting() > 0 && giving == 0 && !others.isEmpty()) {
      int each = Math.min(MOST_AT_ONCE, Math.ceilDiv(mine.waiting(), others.size()));
      for (NodeOutlook other : others) {
        Optional.ofNullable(peers.find(other.epoch()))
            .ifPresent(peer -> give(each, true, peer.owner));
      }
    }
    return false;
  }
}
