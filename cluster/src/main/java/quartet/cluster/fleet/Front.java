package quartet.cluster.fleet;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.node.RouterProtocol;
import quartet.cluster.placement.NodeChoice;
import quartet.cluster.placement.NodeOutlook;
import quartet.cluster.placement.PromptWork;

/**
 * What clients of one server want of the whole cluster. What speaks of a device's number alone, of
 * pausing or of draining concerns this server, as without a cluster.
 *
 * <p>Thread: the fleet's; answers of other servers come together elsewhere.
 */
final class Front {
  private static final Logger LOG = LoggerFactory.getLogger(Front.class);

  /** A server that does not answer for so long is asked no further: the prompt is kept here. */
  private static final Duration POST_PATIENCE = Duration.ofSeconds(2);

  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final Duration LOCAL_PATIENCE = Duration.ofSeconds(8);

  private final ActorSystem<?> system;
  private final FleetSettings settings;
  private final ActorRef<RouterProtocol.Command> router;
  private final Peers peers;
  private final Tombstones tombstones;
  private @Nullable NodeOutlook own;

  Front(
      ActorSystem<?> system,
      FleetSettings settings,
      ActorRef<RouterProtocol.Command> router,
      Peers peers,
      Tombstones tombstones) {
    this.system = system;
    this.settings = settings;
    this.router = router;
    this.peers = peers;
    this.tombstones = tombstones;
  }

  /** How things look on this server. */
  void own(NodeOutlook outlook) {
    own = outlook;
  }

  /** Does what a client wants. */
  void handle(RouterProtocol.Command command) {
    switch (command) {
      case RouterProtocol.Submit request -> submit(request);
      case RouterProtocol.Queues queues -> queues(queues);
      case RouterProtocol.Interrupt interrupt -> {
        router.tell(interrupt);
        if (interrupt.gpuId() == null) {
          tellAll(new FleetMessage.Interrupt(interrupt.promptId()));
        }
      }
      case RouterProtocol.DeletePending delete -> {
        tombstones.add(delete.promptIds(), System.nanoTime());
        router.tell(delete);
        tellAll(new FleetMessage.Delete(delete.promptIds()));
      }
      case RouterProtocol.ClearPending clear -> {
        router.tell(clear);
        if (clear.gpuId() == null) {
          tellAll(new FleetMessage.Delete(null));
        }
      }
      case RouterProtocol.ForgetHistory forget -> {
        router.tell(forget);
        tellAll(new FleetMessage.Forget(forget.promptIds()));
      }
      case RouterProtocol.Move move -> move(move);
      default -> router.tell(command);
    }
  }

  private void tellAll(FleetMessage message) {
    peers.answering().forEach(peer -> peer.ref.tell(message));
  }

  // New prompts.

  private void submit(RouterProtocol.Submit request) {
    NodeOutlook here = own;
    String node = request.node();
    if (node != null && !node.equals(settings.self().node())) {
      Optional<Peers.Peer> named = peers.named(node).filter(Peers.Peer::up);
      if (named.isPresent() && Posts.fits(request)) {
        forward(request, named.get(), here == null ? 0 : here.counter(), true);
      } else {
        request.replyTo().tell(new RouterProtocol.NoSuchNode(node, names()));
      }
      return;
    }
    if (request.gpuId() != null || here == null || !Posts.fits(request)) {
      router.tell(request);
      return;
    }
    boolean bound = !settings.sharedFiles() && Posts.usesFiles(request);
    PromptWork work = PromptWork.of(request.prompt(), request.checkpoints());
    NodeOutlook best = bound ? here : NodeChoice.choose(work, here, peers.outlooks()).orElse(here);
    Peers.Peer peer = peers.find(best.epoch());
    if (peer == null) {
      own = here.after(work);
      router.tell(request);
    } else {
      peers.sent(best.epoch(), work);
      forward(request, peer, here.counter(), false);
    }
  }

  private List<String> names() {
    return Stream.concat(
            Stream.of(settings.self().node()),
            peers.answering().stream().map(peer -> peer.owner.node()))
        .sorted()
        .toList();
  }

  /**
   * If the other server does not answer, nobody knows whether it has stored the prompt. This one
   * stores it then: the journal has it once, whoever was first, and that one runs it.
   */
  private void forward(
      RouterProtocol.Submit request, Peers.Peer peer, long counter, boolean onlyThere) {
    LOG.info("Prompt {} goes to server {}", request.promptId(), peer.owner.node());
    AskPattern.<FleetMessage, FleetMessage.Posted>ask(
            peer.ref,
            replyTo -> Posts.message(request, counter, replyTo),
            POST_PATIENCE,
            system.scheduler())
        .whenComplete(
            (answer, failure) -> {
              boolean busy = answer != null && Set.of("full", "draining").contains(answer.kind());
              if (answer != null && (onlyThere || !busy)) {
                request.replyTo().tell(Posts.reply(answer));
              } else if (onlyThere) {
                request
                    .replyTo()
                    .tell(
                        new RouterProtocol.StorageAway(
                            "server " + peer.owner.node() + " does not answer"));
              } else {
                router.tell(request);
              }
            });
  }

  // Questions.

  private void queues(RouterProtocol.Queues message) {
    CompletionStage<List<GpuSnapshot>> all =
        AskPattern.<RouterProtocol.Command, List<GpuSnapshot>>ask(
                router, RouterProtocol.Queues::new, LOCAL_PATIENCE, system.scheduler())
            .thenApply(gpus -> named(gpus, settings.self().node()));
    for (Peers.Peer peer : peers.answering()) {
      all = all.thenCombine(queues(peer), Front::join);
    }
    all.thenAccept(message.replyTo()::tell);
  }

  private static List<GpuSnapshot> named(List<GpuSnapshot> gpus, String node) {
    return gpus.stream().map(gpu -> gpu.on(node)).toList();
  }

  private static List<GpuSnapshot> join(List<GpuSnapshot> some, List<GpuSnapshot> more) {
    List<GpuSnapshot> all = new ArrayList<>(some);
    all.addAll(more);
    return all;
  }

  /** A server that does not answer is left out. */
  private CompletableFuture<List<GpuSnapshot>> queues(Peers.Peer peer) {
    return pages(peer, List.of())
        .thenApply(pages -> QueuePages.snapshots(peer.owner.node(), pages))
        .exceptionally(failure -> List.of())
        .toCompletableFuture();
  }

  private CompletionStage<List<FleetMessage.Queues>> pages(
      Peers.Peer peer, List<FleetMessage.Queues> before) {
    return AskPattern.<FleetMessage, FleetMessage.Queues>ask(
            peer.ref,
            replyTo -> new FleetMessage.AskQueues(QueuePages.size(before), replyTo),
            PATIENCE,
            system.scheduler())
        .thenCompose(
            page -> {
              List<FleetMessage.Queues> pages = new ArrayList<>(before);
              pages.add(page);
              return page.pending().isEmpty() || QueuePages.size(pages) >= page.total()
                  ? CompletableFuture.completedFuture(pages)
                  : pages(peer, pages);
            });
  }

  private void move(RouterProtocol.Move move) {
    CompletionStage<RouterProtocol.ChangeReply> reply =
        AskPattern.<RouterProtocol.Command, RouterProtocol.ChangeReply>ask(
            router,
            replyTo -> new RouterProtocol.Move(move.promptId(), move.where(), replyTo),
            LOCAL_PATIENCE,
            system.scheduler());
    for (Peers.Peer peer : peers.answering()) {
      reply =
          reply.thenCompose(
              known ->
                  known instanceof RouterProtocol.NotWaiting
                      ? elsewhere(move, peer, known)
                      : CompletableFuture.completedFuture(known));
    }
    reply.thenAccept(move.replyTo()::tell);
  }

  private CompletionStage<RouterProtocol.ChangeReply> elsewhere(
      RouterProtocol.Move move, Peers.Peer peer, RouterProtocol.ChangeReply otherwise) {
    return AskPattern.<FleetMessage, FleetMessage.Moved>ask(
            peer.ref, replyTo -> Moves.message(move, replyTo), PATIENCE, system.scheduler())
        .handle(
            (moved, failure) ->
                moved != null && moved.done() ? new RouterProtocol.Changed() : otherwise);
  }
}
