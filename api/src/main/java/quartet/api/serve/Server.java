package quartet.api.serve;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.SpawnProtocol;
import akka.actor.typed.javadsl.Behaviors;
import akka.http.javadsl.ServerBinding;
import akka.stream.Materializer;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.api.http.ServerParts;
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
import quartet.cluster.journal.JournalDatabase;
import quartet.engine.graph.GraphValidator;
import quartet.errors.EngineException;
import quartet.tensor.Device;

/**
 * A running server. Which of its parts starts when, and which ends when, is what {@code start},
 * {@code assemble} and {@code close} say. In the log the start reads as operators know it: devices,
 * queues, workers, warm-up, plug-ins, address.
 *
 * <p>It owns the database, the storage of outputs, the telemetry, and the actor system, with which
 * actors, devices and connections end. The backends are the caller's.
 */
public final class Server implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Server.class);
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(30);

  private final ActorSystem<SpawnProtocol.Command> system;
  private final ServerBinding binding;
  private final JournalDatabase database;
  private final LocalNode node;
  private final @Nullable Bucket bucket;
  private final Duration grace;
  private final Telemetry telemetry;
  private final AtomicBoolean closing = new AtomicBoolean();

  private Server(
      ActorSystem<SpawnProtocol.Command> system,
      ServerBinding binding,
      JournalDatabase database,
      LocalNode node,
      @Nullable Bucket bucket,
      Duration grace,
      Telemetry telemetry) {
    this.system = system;
    this.binding = binding;
    this.database = database;
    this.node = node;
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
    Listener.checkFree(options);
    LogTail logs = LogTail.attached();
    options.folders().create();
    emptyFolder(options.folders().temp());
    Devices.announce(options.devices());
    KnownNodes nodes = KnownNodes.load(options.folders());
    JournalDatabase database = JournalDatabase.open(options.database());
    // Reading the journal, starting Akka and warming up have nothing to do with each other.
    Recovery recovery = Recovery.begin(database);
    ActorSystem<SpawnProtocol.Command> system =
        ActorSystem.create(
            Behaviors.setup(context -> SpawnProtocol.create()), "quartet", akka(options));
    try {
      return assemble(options, backends, logs, nodes, database, recovery, system);
    } catch (RuntimeException e) {
      system.terminate();
      database.close();
      throw e;
    }
  }

  private static Server assemble(
      ServerOptions options,
      BackendFactory backends,
      LogTail logs,
      KnownNodes nodes,
      JournalDatabase database,
      Recovery recovery,
      ActorSystem<SpawnProtocol.Command> system) {
    GraphValidator validator = new GraphValidator(nodes.registry(), options.folders());
    Telemetry telemetry = telemetry(options);
    Actors actors = new Actors(system, telemetry);
    Audience audience = new Audience();
    // Devices send previews to the sockets, which ask the router above the devices.
    CompletableFuture<ActorRef<SocketHub.Command>> hubLater = new CompletableFuture<>();
    LivePreviews previews = previews(options, audience, hubLater, system);
    LocalNode node = LocalNode.start(options, backends, validator, previews, database, actors);
    ActorRef<SocketHub.Command> hub =
        actors.spawnResuming(
            SocketHub.Command.class,
            SocketHub.create(node.front(), audience, Clock.systemUTC()),
            "sockets");
    hubLater.complete(hub);
    startWebhook(options, node, actors);
    logs.listen(line -> hub.tell(new SocketHub.LogLines(LogJson.of(List.of(line)))));
    node.warmUp();
    nodes.announce();
    node.restore(recovery);
    Bucket bucket = startUploads(options, node, actors);
    node.awaitJoin();
    DeviceSensors sensors = backends.sensors(options.devices().devices());
    telemetry.observe(
        system, node.router(), node.modelCache(), node.fleet(), sensors, audience::size);
    ServerParts parts =
        new ServerParts(
            system,
            node.front(),
            node.router(),
            options.name(),
            node.fleet(),
            node.modelCache(),
            nodes.registry(),
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
    ServerBinding binding = Listener.bind(options, parts, sockets);
    node.serves(binding.localAddress().getPort());
    return new Server(system, binding, database, node, bucket, options.shutdownGrace(), telemetry);
  }

  /**
   * Stops: takes no new prompts and gives running ones their time, ends the actors with their
   * devices and connections, then what they have used.
   */
  @Override
  public void close() {
    boolean runs = !system.getWhenTerminated().toCompletableFuture().isDone();
    closing.set(runs);
    if (runs) {
      node.finish(grace);
    }
    system.terminate();
    try {
      system
          .getWhenTerminated()
          .toCompletableFuture()
          .get(STOP_PATIENCE.toSeconds(), TimeUnit.SECONDS);
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

  private static Config akka(ServerOptions options) {
    ClusterOptions cluster = options.cluster();
    Config alone = options.database().akka().withFallback(ConfigFactory.load());
    return cluster == null ? alone : cluster.akka().withFallback(alone).resolve();
  }

  private static Telemetry telemetry(ServerOptions options) {
    return Telemetry.start(
        options.telemetry(),
        new Identity(options.name(), options.name() + ":" + options.port(), options.version()),
        IntStream.range(0, options.devices().devices().size()).boxed().toList(),
        options.folders().output());
  }

  private static LivePreviews previews(
      ServerOptions options,
      Audience audience,
      CompletableFuture<ActorRef<SocketHub.Command>> hubLater,
      ActorSystem<?> system) {
    return new LivePreviews(
        options.web().previews(),
        audience,
        system.dispatchers().lookup(DispatcherSelector.blocking()),
        preview -> {
          ActorRef<SocketHub.Command> hub = hubLater.getNow(null);
          if (hub != null) {
            hub.tell(preview);
          }
        });
  }

  private static void startWebhook(ServerOptions options, LocalNode node, Actors actors) {
    if (options.webhook() != null) {
      actors.spawn(
          WebhookActor.Command.class,
          WebhookActor.create(options.webhook(), node.router(), Clock.systemUTC()),
          "webhook");
    }
  }

  private static @Nullable Bucket startUploads(
      ServerOptions options, LocalNode node, Actors actors) {
    StoreOptions store = options.store();
    if (store == null) {
      return null;
    }
    Bucket bucket = new Bucket(store);
    LOG.info("🗄️ Outputs are also put into {}", store);
    actors.spawn(
        UploadActor.Command.class,
        UploadActor.create(
            store, bucket, options.folders().output(), options.filesOn(), node.router()),
        "uploads");
    return bucket;
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
}
