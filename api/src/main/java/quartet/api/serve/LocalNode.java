package quartet.api.serve;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.api.ws.LivePreviews;
import quartet.cluster.fleet.Fleet;
import quartet.cluster.gpu.GpuSettings;
import quartet.cluster.job.InMemoryPromptStore;
import quartet.cluster.job.Owner;
import quartet.cluster.journal.JournalDatabase;
import quartet.cluster.journal.JournalProtocol;
import quartet.cluster.journal.PromptJournal;
import quartet.cluster.journal.Recovered;
import quartet.cluster.model.ActorHostModels;
import quartet.cluster.model.ModelCacheActor;
import quartet.cluster.node.NodeSettings;
import quartet.cluster.node.PromptRouter;
import quartet.cluster.node.RouterProtocol;
import quartet.engine.graph.GraphValidator;
import quartet.errors.EngineException;

/**
 * What runs prompts on this server: host weights, journal, the router with its queue and devices,
 * and the seat in a cluster.
 *
 * @param router this server's own, below which its devices are
 * @param devices how many
 * @param seat null for a server alone
 */
record LocalNode(
    ActorSystem<?> system,
    ActorRef<ModelCacheActor.Command> modelCache,
    ActorRef<RouterProtocol.Command> router,
    int devices,
    @Nullable ClusterSeat seat) {
  private static final Logger LOG = LoggerFactory.getLogger(LocalNode.class);
  private static final Duration START_PATIENCE = Duration.ofMinutes(10);
  private static final Duration DRAIN_PATIENCE = Duration.ofSeconds(20);
  private static final Duration DRAIN_LOOK = Duration.ofMillis(100);

  /** Starts the actors; devices open and a cluster is joined by themselves. */
  static LocalNode start(
      ServerOptions options,
      BackendFactory backends,
      GraphValidator validator,
      LivePreviews previews,
      JournalDatabase database,
      Actors actors) {
    ActorSystem<?> system = actors.system();
    ActorRef<ModelCacheActor.Command> modelCache =
        actors.spawn(
            ModelCacheActor.Command.class,
            ModelCacheActor.create(options.hostModelBytes()),
            "model-cache");
    List<GpuSettings> devices =
        Devices.settings(
            options, backends, validator, new ActorHostModels(modelCache, system), previews);
    ClusterOptions cluster = options.cluster();
    Owner self = cluster == null ? null : ClusterSeat.owner(cluster, system);
    ActorRef<JournalProtocol.Command> journal =
        actors.spawn(
            JournalProtocol.Command.class,
            PromptJournal.create(database, actors.telemetry().recorder(), self),
            "journal");
    ActorRef<RouterProtocol.Command> router =
        actors.spawnResuming(
            RouterProtocol.Command.class,
            PromptRouter.create(
                devices,
                new InMemoryPromptStore(options.historySize()),
                journal,
                new NodeSettings(
                    options.queueCapacity(),
                    options.retention(),
                    new ModelSizes(options.folders())::bytes,
                    LastResort::exit,
                    actors.telemetry().recorder(),
                    options.folders().output(),
                    self,
                    options.filesOn()),
                Clock.systemUTC()),
            "router");
    ClusterSeat seat =
        cluster == null || self == null
            ? null
            : ClusterSeat.take(options, cluster, self, router, journal, database, actors);
    return new LocalNode(system, modelCache, router, devices.size(), seat);
  }

  /** Answers clients: for all servers of a cluster, or for this one alone. */
  ActorRef<RouterProtocol.Command> front() {
    return seat == null ? router : seat.front();
  }

  /** Who knows the servers of the cluster; null where there is none. */
  @Nullable ActorRef<Fleet.Command> fleet() {
    return seat == null ? null : seat.fleet();
  }

  /**
   * Returns when the devices have warmed up.
   *
   * @throws EngineException if none has
   */
  void warmUp() {
    List<String> failures =
        AskPattern.<RouterProtocol.Command, List<String>>ask(
                router,
                replyTo -> new RouterProtocol.WarmUpAll(replyTo),
                START_PATIENCE,
                system.scheduler())
            .toCompletableFuture()
            .join();
    if (failures.size() == devices) {
      throw new EngineException(
          ServeError.DEVICE_UNUSABLE, "No device passed its warm-up: " + failures);
    }
  }

  /** Queues again what was open, and knows what has ended. */
  void restore(Recovery recovery) {
    Recovered before = recovery.await(seat != null);
    AskPattern.<RouterProtocol.Command, Done>ask(
            router,
            replyTo -> new RouterProtocol.Restore(before, replyTo),
            START_PATIENCE,
            system.scheduler())
        .toCompletableFuture()
        .join();
  }

  /**
   * Returns once the server belongs to its cluster, if it has one.
   *
   * @throws EngineException if it is not let in
   */
  void awaitJoin() {
    if (seat != null) {
      seat.awaitJoin();
    }
  }

  /** The API answers on this port from now on. */
  void serves(int port) {
    if (seat != null) {
      seat.serves(port);
    }
  }

  /** Takes nothing new; running prompts may end, and waiting ones go to other servers if any. */
  void finish(Duration grace) {
    if (seat != null) {
      seat.leave(grace);
    } else if (grace.isPositive()) {
      drain(grace);
    }
  }

  /** Running prompts may end; nothing new is started or taken. */
  private void drain(Duration grace) {
    Instant end = Instant.now().plus(grace);
    try {
      while (Instant.now().isBefore(end)) {
        RouterProtocol.DrainState state =
            AskPattern.<RouterProtocol.Command, RouterProtocol.DrainState>ask(
                    router,
                    replyTo -> new RouterProtocol.Drain(RouterProtocol.DrainMode.RUNNING, replyTo),
                    DRAIN_PATIENCE,
                    system.scheduler())
                .toCompletableFuture()
                .join();
        if (state.done()) {
          return;
        }
        LockSupport.parkNanos(DRAIN_LOOK.toNanos());
      }
      LOG.warn(
          "prompts still run after {} s; they are interrupted and run again", grace.toSeconds());
    } catch (CompletionException e) {
      LOG.warn("waiting for running prompts failed: {}", e.toString());
    }
  }
}
