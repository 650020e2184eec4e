package quartet.api.serve;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.Props;
import akka.actor.typed.SpawnProtocol;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.http.javadsl.ConnectionContext;
import akka.http.javadsl.Http;
import akka.http.javadsl.ServerBinding;
import akka.http.javadsl.ServerBuilder;
import akka.stream.Materializer;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.api.http.ServerParts;
import quartet.api.http.ServerRoutes;
import quartet.api.isolation.ProcessWorker;
import quartet.api.logs.LogTail;
import quartet.api.store.Bucket;
import quartet.api.store.StoreOptions;
import quartet.api.store.UploadActor;
import quartet.api.telemetry.DeviceSensors;
import quartet.api.telemetry.Identity;
import quartet.api.telemetry.Telemetry;
import quartet.api.webhook.WebhookActor;
import quartet.api.wire.LogJson;
import quartet.api.ws.Audience;
import quartet.api.ws.LivePreviews;
import quartet.api.ws.SocketHub;
import quartet.api.ws.SocketRoute;
import quartet.cluster.gpu.GpuSettings;
import quartet.cluster.gpu.GpuSupervision;
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
import quartet.engine.node.NodeRegistry;
import quartet.engine.nodes.CoreNodes;
import quartet.engine.plugin.DeviceHardcoding;
import quartet.engine.plugin.PlugIns;
import quartet.errors.EngineException;
import quartet.tensor.Device;

/**
 * A running server. Its start reads, in the log, as operators know it: devices, queues, workers,
 * warm-up, plug-ins, address.
 */
public final class Server implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Server.class);
  private static final Duration START_PATIENCE = Duration.ofMinutes(10);
  private static final Duration SPAWN_PATIENCE = Duration.ofSeconds(20);
  private static final Duration DRAIN_LOOK = Duration.ofMillis(100);

  private final ActorSystem<SpawnProtocol.Command> system;
  private final ServerBinding binding;
  private final JournalDatabase database;
  private final ActorRef<RouterProtocol.Command> router;
  private final @Nullable ClusterSeat seat;
  private final @Nullable Bucket bucket;
  private final Duration grace;
  private final Telemetry telemetry;
  private final AtomicBoolean closing = new AtomicBoolean();

  private Server(
      ActorSystem<SpawnProtocol.Command> system,
      ServerBinding binding,
      JournalDatabase database,
      ActorRef<RouterProtocol.Command> router,
      @Nullable ClusterSeat seat,
      @Nullable Bucket bucket,
      Duration grace,
      Telemetry telemetry) {
    this.system = system;
    this.binding = binding;
    this.database = database;
    this.router = router;
    this.seat = seat;
    this.bucket = bucket;
    this.grace = grace;
    this.telemetry = telemetry;
  }

  /**
   * Starts; returns once the address answers.
   *
   * @throws EngineException saying what to change, if it cannot
   */
  public static Server start(ServerOptions options, BackendFactory backends) {
    checkPort(options);
    LogTail logs = LogTail.attached();
    DeviceChoice choice = options.devices();
    options.folders().create();
    emptyFolder(options.folders().temp());
    if (choice.note() != null) {
      LOG.warn("⚠️ {}", choice.note());
    }
    if (choice.multi()) {
      LOG.info("✅ Multi-GPU scheduling ENABLED");
      LOG.info("🚀 Multi-GPU mode ENABLED with {} GPUs", choice.devices().size());
      LOG.info("📋 Created {} task queues for multi-GPU scheduling", choice.devices().size());
    } else {
      LOG.info("Single-device mode on {}", choice.devices().getFirst());
    }
    if (choice.devices().stream().anyMatch(device -> device.kind() == Device.Kind.SIM)) {
      LOG.warn("⚠️ Simulated devices: nothing is computed, and pictures say SIMULATED");
    }
    PlugIns plugIns = PlugIns.load(options.folders().customNodes());
    NodeRegistry registry =
        NodeRegistry.of(new CoreNodes(), plugIns.packs(), problem -> LOG.warn("⚠️ {}", problem));
    JournalDatabase database = JournalDatabase.open(options.database());
    // Reading the journal, starting Akka and warming up have nothing to do with each other.
    CompletableFuture<Recovered> recovered =
        CompletableFuture.supplyAsync(() -> recover(database), Thread.ofVirtual()::start);
    ActorSystem<SpawnProtocol.Command> system =
        ActorSystem.create(
            Behaviors.setup(context -> SpawnProtocol.create()), "quartet", akka(options));
    try {
      return assemble(options, backends, registry, plugIns, logs, system, database, recovered);
    } catch (RuntimeException e) {
      system.terminate();
      database.close();
      throw e;
    }
  }

  private static Config akka(ServerOptions options) {
    ClusterOptions cluster = options.cluster();
    Config alone = options.database().akka().withFallback(ConfigFactory.load());
    return cluster == null ? alone : cluster.akka().withFallback(alone).resolve();
  }

  private static Recovered recover(JournalDatabase database) {
    try {
      return Recovered.of(database.read());
    } catch (SQLException e) {
      throw new EngineException(
          ServeError.JOURNAL_UNREADABLE,
          "The prompts kept in %s cannot be read: %s"
              .formatted(database.settings(), e.getMessage()),
          e);
    }
  }

  private static Server assemble(
      ServerOptions options,
      BackendFactory backends,
      NodeRegistry registry,
      PlugIns plugIns,
      LogTail logs,
      ActorSystem<SpawnProtocol.Command> system,
      JournalDatabase database,
      CompletableFuture<Recovered> recovered) {
    GraphValidator validator = new GraphValidator(registry, options.folders());
    Telemetry telemetry =
        Telemetry.start(
            options.telemetry(),
            new Identity(options.name(), options.name() + ":" + options.port(), options.version()),
            IntStream.range(0, options.devices().devices().size()).boxed().toList(),
            options.folders().output());
    ActorRef<ModelCacheActor.Command> modelCache =
        spawn(
            system,
            telemetry,
            ModelCacheActor.Command.class,
            ModelCacheActor.create(options.hostModelBytes()),
            "model-cache");
    Audience audience = new Audience();
    CompletableFuture<ActorRef<SocketHub.Command>> hubLater = new CompletableFuture<>();
    LivePreviews previews =
        new LivePreviews(
            options.web().previews(),
            audience,
            system.dispatchers().lookup(DispatcherSelector.blocking()),
            preview -> {
              ActorRef<SocketHub.Command> hub = hubLater.getNow(null);
              if (hub != null) {
                hub.tell(preview);
              }
            });
    List<GpuSettings> devices =
        devices(options, backends, validator, new ActorHostModels(modelCache, system), previews);
    ClusterOptions cluster = options.cluster();
    Owner self = cluster == null ? null : ClusterSeat.owner(cluster, system);
    ActorRef<JournalProtocol.Command> journal =
        spawn(
            system,
            telemetry,
            JournalProtocol.Command.class,
            PromptJournal.create(database, telemetry.recorder(), self),
            "journal");
    String filesOn = cluster == null || cluster.sharedFiles() ? null : cluster.name();
    ActorRef<RouterProtocol.Command> router =
        spawn(
            system,
            telemetry,
            RouterProtocol.Command.class,
            resuming(
                PromptRouter.create(
                    devices,
                    new InMemoryPromptStore(options.historySize()),
                    journal,
                    new NodeSettings(
                        options.queueCapacity(),
                        options.retention(),
                        new ModelSizes(options.folders())::bytes,
                        LastResort::exit,
                        telemetry.recorder(),
                        options.folders().output(),
                        self,
                        filesOn),
                    Clock.systemUTC())),
            "router");
    ClusterSeat seat =
        cluster == null || self == null
            ? null
            : ClusterSeat.take(
                options,
                cluster,
                self,
                system,
                router,
                journal,
                database,
                new ClusterSeat.Spawner() {
                  @Override
                  public <T> ActorRef<T> spawn(Class<T> type, Behavior<T> behavior, String name) {
                    return Server.spawn(system, telemetry, type, behavior, name);
                  }
                });
    ActorRef<RouterProtocol.Command> front = seat == null ? router : seat.front();
    ActorRef<SocketHub.Command> hub =
        spawn(
            system,
            telemetry,
            SocketHub.Command.class,
            resuming(SocketHub.create(front, audience, Clock.systemUTC())),
            "sockets");
    hubLater.complete(hub);
    if (options.webhook() != null) {
      spawn(
          system,
          telemetry,
          WebhookActor.Command.class,
          WebhookActor.create(options.webhook(), router, Clock.systemUTC()),
          "webhook");
    }
    logs.listen(line -> hub.tell(new SocketHub.LogLines(LogJson.of(List.of(line)))));
    warmUp(system, router, devices.size());
    checkPlugIns(plugIns);
    restore(system, router, recovered, seat != null);
    StoreOptions store = options.store();
    Bucket bucket = store == null ? null : new Bucket(store);
    if (store != null && bucket != null) {
      LOG.info("🗄️ Outputs are also put into {}", store);
      spawn(
          system,
          telemetry,
          UploadActor.Command.class,
          UploadActor.create(store, bucket, options.folders().output(), filesOn, router),
          "uploads");
    }
    if (seat != null) {
      seat.awaitJoin();
    }
    DeviceSensors sensors = backends.sensors(options.devices().devices());
    telemetry.observe(
        system, router, modelCache, seat == null ? null : seat.fleet(), sensors, audience::size);
    ServerParts parts =
        new ServerParts(
            system,
            front,
            router,
            options.name(),
            seat == null ? null : seat.fleet(),
            modelCache,
            registry,
            validator,
            options.folders(),
            bucket,
            database::works,
            options.devices().devices().stream().map(Device::toString).toList(),
            options.version(),
            options.arguments(),
            options.web(),
            logs,
            hub,
            options.maxUploadBytes(),
            telemetry,
            sensors);
    SocketRoute sockets =
        new SocketRoute(
            hub, Materializer.matFromSystem(system), options.maxUploadBytes(), telemetry::dropped);
    ServerBinding binding = bind(options, parts, sockets);
    if (seat != null) {
      seat.serves(binding.localAddress().getPort());
    }
    return new Server(
        system, binding, database, router, seat, bucket, options.shutdownGrace(), telemetry);
  }

  private static List<GpuSettings> devices(
      ServerOptions options,
      BackendFactory backends,
      GraphValidator validator,
      ActorHostModels hostModels,
      LivePreviews previews) {
    Workers workers =
        new Workers(
            backends,
            options.sim(),
            options.faults(),
            options.folders(),
            options.writeMetadata(),
            options.maxResident(),
            options.cache());
    Isolation isolation = options.isolation();
    List<GpuSettings> settings = new ArrayList<>();
    for (Device device : options.devices().devices()) {
      int gpuId = settings.size();
      settings.add(
          new GpuSettings(
              gpuId,
              device,
              () ->
                  isolation == null
                      ? workers.open(gpuId, device, hostModels)
                      : new ProcessWorker(gpuId, isolation.command(gpuId, device)),
              new StoredPlans(validator),
              previews,
              GpuSupervision.USUAL,
              options.stuckAfter()));
    }
    return settings;
  }

  private static void warmUp(
      ActorSystem<?> system, ActorRef<RouterProtocol.Command> router, int devices) {
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

  private static void restore(
      ActorSystem<?> system,
      ActorRef<RouterProtocol.Command> router,
      CompletableFuture<Recovered> recovered,
      boolean oneOfSeveral) {
    Recovered before;
    try {
      Recovered all = recovered.join();
      // Whose the open ones are is for the cluster to say.
      before =
          oneOfSeveral ? new Recovered(List.of(), all.ended(), all.setAside(), all.counter()) : all;
    } catch (CompletionException e) {
      throw e.getCause() instanceof EngineException known ? known : e;
    }
    AskPattern.<RouterProtocol.Command, akka.Done>ask(
            router,
            replyTo -> new RouterProtocol.Restore(before, replyTo),
            START_PATIENCE,
            system.scheduler())
        .toCompletableFuture()
        .join();
  }

  private static void checkPlugIns(PlugIns plugIns) {
    LOG.info("🔍 Checking custom nodes compatibility...");
    plugIns.problems().forEach(problem -> LOG.warn("⚠️ {}", problem));
    for (DeviceHardcoding.Finding finding : plugIns.findings()) {
      LOG.warn(
          "⚠️ Plug-in {} hard-codes a device: class {} contains {}; its nodes may run on the wrong GPU",
          finding.plugIn(),
          finding.className(),
          finding.evidence());
    }
    if (plugIns.findings().isEmpty()) {
      LOG.info("✅ No obvious device hardcoding detected");
    }
  }

  private static ServerBinding bind(ServerOptions options, ServerParts parts, SocketRoute sockets) {
    try {
      ServerBuilder at = Http.get(parts.system()).newServerAt(options.address(), options.port());
      TlsFiles tls = options.tls();
      if (tls != null) {
        at = at.enableHttps(ConnectionContext.httpsServer(tls.context()));
      }
      ServerBinding binding =
          at.bind(new ServerRoutes(parts, sockets.route()).route()).toCompletableFuture().join();
      LOG.info(
          "To see the GUI go to: {}://{}:{}",
          tls == null ? "http" : "https",
          options.address(),
          binding.localAddress().getPort());
      return binding;
    } catch (CompletionException e) {
      throw cannotListen(options, e.getCause() == null ? e : e.getCause());
    }
  }

  /**
   * A second server on the same folder and port shall hear of the port, and touch neither the
   * database nor the temporary files of the first. The port may still be taken before it is bound.
   */
  private static void checkPort(ServerOptions options) {
    try (ServerSocket probe = new ServerSocket()) {
      probe.bind(new InetSocketAddress(options.address(), options.port()));
    } catch (IOException e) {
      throw cannotListen(options, e);
    }
  }

  private static EngineException cannotListen(ServerOptions options, Throwable cause) {
    return new EngineException(
        ServeError.CANNOT_LISTEN,
        "Cannot listen on %s:%d: %s. Is another server running there? Choose another --port"
            .formatted(options.address(), options.port(), cause),
        cause);
  }

  /** One message that cannot be handled must not take a whole server's queue along. */
  private static <T> Behavior<T> resuming(Behavior<T> behavior) {
    return Behaviors.supervise(behavior)
        .onFailure(RuntimeException.class, SupervisorStrategy.resume());
  }

  private static <T> ActorRef<T> spawn(
      ActorSystem<SpawnProtocol.Command> system,
      Telemetry telemetry,
      Class<T> type,
      Behavior<T> behavior,
      String name) {
    Behavior<T> measured = telemetry.measured(type, name, behavior);
    CompletableFuture<ActorRef<T>> spawned =
        AskPattern.<SpawnProtocol.Command, ActorRef<T>>ask(
                system,
                replyTo -> new SpawnProtocol.Spawn<>(measured, name, Props.empty(), replyTo),
                SPAWN_PATIENCE,
                system.scheduler())
            .toCompletableFuture();
    ActorRef<T> actor = spawned.join();
    telemetry.watch(name, actor);
    return actor;
  }

  private static void emptyFolder(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      LOG.warn("cannot empty {}: {}", folder, e.toString());
    }
  }

  /** The port that was bound; differs from the wanted one if that was 0. */
  public int port() {
    return binding.localAddress().getPort();
  }

  /**
   * Waits until the server has stopped.
   *
   * @return whether it was told to; otherwise its cluster has shut it out
   */
  public boolean awaitStop() {
    system.getWhenTerminated().toCompletableFuture().join();
    if (!closing.get()) {
      LOG.error(
          "❌ The cluster goes on without this server: the network or the machine stood still. It has"
              + " to be started again");
    }
    return closing.get();
  }

  /** Running prompts may end; nothing new is started or taken. */
  private void drain() {
    Instant end = Instant.now().plus(grace);
    try {
      while (Instant.now().isBefore(end)) {
        RouterProtocol.DrainState state =
            AskPattern.<RouterProtocol.Command, RouterProtocol.DrainState>ask(
                    router,
                    replyTo -> new RouterProtocol.Drain(RouterProtocol.DrainMode.RUNNING, replyTo),
                    SPAWN_PATIENCE,
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

  /** Stops taking requests, then the actors and their devices. */
  @Override
  public void close() {
    boolean runs = !system.getWhenTerminated().toCompletableFuture().isDone();
    closing.set(runs);
    if (seat != null && runs) {
      seat.leave(grace);
    } else if (grace.isPositive() && runs) {
      drain();
    }
    system.terminate();
    try {
      system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      LOG.warn("the server did not stop cleanly: {}", e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (bucket != null) {
      bucket.close();
    }
    database.close();
    telemetry.close();
  }
}
