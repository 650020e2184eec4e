package quartet.api.serve;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import akka.cluster.typed.Cluster;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.fleet.Fleet;
import quartet.cluster.fleet.FleetSettings;
import quartet.cluster.job.Owner;
import quartet.cluster.journal.JournalDatabase;
import quartet.cluster.journal.JournalProtocol;
import quartet.cluster.node.RouterProtocol;
import quartet.engine.files.Folders;
import quartet.errors.EngineException;

/**
 * A server's seat in its cluster: the actors that it needs there, joining and leaving.
 *
 * @param front answers clients for the whole cluster
 */
record ClusterSeat(
    ActorSystem<?> system,
    ClusterOptions options,
    ActorRef<Fleet.Command> fleet,
    ActorRef<RouterProtocol.Command> front,
    CompletableFuture<Integer> port) {
  private static final Logger LOG = LoggerFactory.getLogger(ClusterSeat.class);
  private static final Duration JOIN_PATIENCE = Duration.ofSeconds(75);
  private static final Duration MODELS_AGE = Duration.ofSeconds(10);

  /** Whom this start of the server is to the journal. */
  static Owner owner(ClusterOptions options, ActorSystem<?> system) {
    return new Owner(options.name(), Cluster.get(system).selfMember().uniqueAddress().longUid());
  }

  /** Starts the actors; joining goes on by itself. */
  static ClusterSeat take(
      ServerOptions server,
      ClusterOptions options,
      Owner self,
      ActorRef<RouterProtocol.Command> router,
      ActorRef<JournalProtocol.Command> journal,
      JournalDatabase database,
      Actors actors) {
    CompletableFuture<Integer> port = new CompletableFuture<>();
    String given = options.http();
    String scheme = server.tls() == null ? "http" : "https";
    Supplier<String> http =
        () ->
            given != null
                ? given
                : port.isDone() ? "%s://%s:%d".formatted(scheme, options.host(), port.join()) : "";
    ActorRef<Fleet.Command> fleet =
        actors.spawnResuming(
            Fleet.Command.class,
            Fleet.create(
                new FleetSettings(
                    self,
                    server.version(),
                    http,
                    options.sharedFiles(),
                    new KnownModels(server.folders())),
                router,
                journal,
                database),
            Fleet.NAME);
    ActorRef<RouterProtocol.Command> front =
        actors.spawn(RouterProtocol.Command.class, Fleet.front(fleet), "front");
    LOG.info(
        "🔗 Server {} on {}:{} joins the cluster of {}",
        options.name(),
        options.host(),
        options.port(),
        options.seeds());
    return new ClusterSeat(actors.system(), options, fleet, front, port);
  }

  /**
   * Returns once the server belongs to its cluster.
   *
   * @throws EngineException if it is not let in
   */
  void awaitJoin() {
    CompletableFuture<Done> joined =
        AskPattern.<Fleet.Command, Done>ask(
                fleet, Fleet.Joined::new, JOIN_PATIENCE, system.scheduler())
            .toCompletableFuture();
    // When Akka gives up joining, its actors and timers end, and nobody answers this any more.
    CompletionStage<Boolean> _ =
        system
            .getWhenTerminated()
            .thenApply(
                done ->
                    joined.completeExceptionally(
                        new IllegalStateException("joining was given up")));
    try {
      joined.join();
    } catch (CompletionException e) {
      throw new EngineException(
          ServeError.CANNOT_JOIN,
          ("No server of the cluster %s let this one in within %d s. Are their --cluster-host and"
                  + " --cluster-port right and reachable from here (%s:%d)? The first of the list"
                  + " starts a new cluster, the others need one that is up")
              .formatted(
                  options.seeds(), JOIN_PATIENCE.toSeconds(), options.host(), options.port()),
          e);
    }
  }

  /** The API answers on this port from now on. */
  void serves(int boundPort) {
    port.complete(boundPort);
  }

  /** Gives waiting prompts away, lets running ones end, and returns when that is done. */
  void leave(Duration patience) {
    LOG.info("🔌 Leaving the cluster: waiting prompts go to other servers");
    try {
      AskPattern.<Fleet.Command, Done>ask(
              fleet,
              replyTo -> new Fleet.Leave(patience, replyTo),
              patience.plusSeconds(5),
              system.scheduler())
          .toCompletableFuture()
          .join();
    } catch (CompletionException e) {
      LOG.warn("leaving the cluster did not end in time: {}", e.toString());
    }
  }

  /** Names of the checkpoint files below a folder, looked up now and then. */
  private static final class KnownModels implements Supplier<Set<String>> {
    private final Folders folders;
    private Set<String> known = Set.of();
    private long lookedNanos = Long.MIN_VALUE;

    KnownModels(Folders folders) {
      this.folders = folders;
    }

    @Override
    public synchronized Set<String> get() {
      long now = System.nanoTime();
      if (lookedNanos == Long.MIN_VALUE || now - lookedNanos > MODELS_AGE.toNanos()) {
        lookedNanos = now;
        known = Set.copyOf(folders.models("checkpoints"));
      }
      return known;
    }
  }
}
