package quartet.api.telemetry;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import kamon.Kamon;
import kamon.prometheus.PrometheusReporter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.fleet.Fleet;
import quartet.cluster.fleet.NodeState;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.model.ModelCacheActor;
import quartet.cluster.node.RouterProtocol;
import quartet.cluster.telemetry.Recorder;
import scala.concurrent.Await;

/**
 * A server's telemetry: figures for {@code /metrics}, sent over OTLP as well if that is wanted, and
 * traces if they are wanted. Without any of them it costs nothing.
 *
 * <p>Kamon is one for the whole process, so a process has one of these. Owner: the server.
 */
public final class Telemetry implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Telemetry.class);
  private static final Duration SAMPLE_EVERY = Duration.ofSeconds(2);
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration STOP_PATIENCE = WatchedTraces.LAST_WORDS.plusSeconds(2);

  private final @Nullable PrometheusReporter prometheus;
  private final @Nullable OtlpSender sender;
  private final @Nullable StateSampler sampler;
  private final Meters meters;
  private final Recorder recorder;

  private Telemetry(
      @Nullable PrometheusReporter prometheus,
      @Nullable OtlpSender sender,
      @Nullable StateSampler sampler,
      Meters meters,
      Recorder recorder) {
    this.prometheus = prometheus;
    this.sender = sender;
    this.sampler = sampler;
    this.meters = meters;
    this.recorder = recorder;
  }

  /**
   * Begins to measure.
   *
   * @param identity the server among others
   * @param gpus numbers of the devices
   * @param output where pictures go; its disk is watched
   */
  public static Telemetry start(
      TelemetryOptions options, Identity identity, List<Integer> gpus, Path output) {
    if (!options.metrics() && options.traces() == null) {
      return new Telemetry(null, null, null, new NoMeters(), Recorder.NONE);
    }
    Config config = config(options, identity);
    Kamon.initWithoutAttaching(config);
    PrometheusReporter prometheus = null;
    OtlpSender sender = null;
    Meters meters = new NoMeters();
    StateSampler sampler = null;
    if (options.metrics()) {
      prometheus = PrometheusReporter.create();
      Kamon.addReporter("prometheus", prometheus);
      if (options.otlpMetrics() != null) {
        sender =
            OtlpSender.create(options.otlpMetrics(), identity, config, ExportReasons.ofProcess());
        Kamon.addReporter("otlp-metrics", sender.reporter());
      }
      meters = new KamonMeters();
      for (String kind : List.of("preview", "figure", "story", "cut_off")) {
        meters.count(Figure.DROPPED, Labels.NONE.and("kind", kind), 0);
      }
      for (String reason : List.of("queue_full", "quota_reached", "storage_unavailable")) {
        meters.count(Figure.REJECTIONS, Labels.NONE.and("reason", reason), 0);
      }
      sampler = new StateSampler(meters, new ProcessFigures(output));
    }
    Consumer<PromptTrace> traces = trace -> {};
    if (options.traces() != null) {
      Kamon.addReporter(
          "otlp-traces",
          WatchedTraces.reporter(options.traces(), config, ExportReasons.ofProcess()));
      traces = new KamonTraces();
    }
    Recorder recorder = new PromptMeter(meters, gpus, Clock.systemUTC(), traces);
    return new Telemetry(prometheus, sender, sampler, meters, recorder);
  }

  private static Config config(TelemetryOptions options, Identity identity) {
    Map<String, Object> changes = new HashMap<>();
    changes.put("kamon.environment.service", "quartet");
    changes.put("kamon.environment.host", identity.node());
    changes.put("kamon.environment.instance", identity.instance());
    changes.put("kamon.environment.tags.node", identity.node());
    changes.put("kamon.modules.jvm-metrics.enabled", options.metrics());
    if (options.traces() != null) {
      changes.put("kamon.otel.trace.protocol", "http/protobuf");
      changes.put("kamon.otel.trace.full-endpoint", options.traces().toString());
    }
    return ConfigFactory.parseMap(changes).withFallback(ConfigFactory.load());
  }

  /** Hears what devices and the journal tell. */
  public Recorder recorder() {
    return recorder;
  }

  /** The same actor, its messages timed. */
  public <T> Behavior<T> measured(Class<T> type, String name, Behavior<T> behavior) {
    return prometheus == null
        ? behavior
        : Behaviors.intercept(() -> new MeasuredActor<>(type, name, meters), behavior);
  }

  /** Its mailbox is watched from now on. */
  public void watch(String name, ActorRef<?> actor) {
    if (sampler != null) {
      sampler.watch(name, actor);
    }
  }

  /**
   * Looks at the server's state every two seconds, until the system ends.
   *
   * @param fleet who knows the other servers; null for a server alone
   */
  public void observe(
      ActorSystem<?> system,
      ActorRef<RouterProtocol.Command> router,
      ActorRef<ModelCacheActor.Command> models,
      @Nullable ActorRef<Fleet.Command> fleet,
      DeviceSensors sensors,
      IntSupplier clients) {
    StateSampler looks = sampler;
    if (looks == null) {
      return;
    }
    system
        .scheduler()
        .scheduleWithFixedDelay(
            Duration.ZERO,
            SAMPLE_EVERY,
            () -> {
              looks.process(clients);
              looks.sensors(sensors.read());
              var _ =
                  AskPattern.<RouterProtocol.Command, List<GpuSnapshot>>ask(
                          router, RouterProtocol.Queues::new, PATIENCE, system.scheduler())
                      .thenAccept(looks::queues);
              var _ =
                  AskPattern.<ModelCacheActor.Command, ModelCacheActor.Holdings>ask(
                          models, ModelCacheActor.Snapshot::new, PATIENCE, system.scheduler())
                      .thenAccept(looks::models);
              if (fleet == null) {
                looks.servers(List.of("up"));
              } else {
                var _ =
                    AskPattern.<Fleet.Command, List<NodeState>>ask(
                            fleet, Fleet.Look::new, PATIENCE, system.scheduler())
                        .thenApply(nodes -> nodes.stream().map(NodeState::status).toList())
                        .thenAccept(looks::servers);
              }
            },
            system.executionContext());
  }

  /** A prompt was refused. */
  public void rejected(String reason) {
    meters.count(Figure.REJECTIONS, Labels.NONE.and("reason", reason.toLowerCase(Locale.ROOT)), 1);
  }

  /** Messages that a slow client does not get. */
  public void dropped(String kind, int count) {
    meters.count(Figure.DROPPED, Labels.NONE.and("kind", kind), count);
  }

  /** All figures in Prometheus's text form; empty if none are kept. */
  public Optional<String> scrape() {
    return Optional.ofNullable(prometheus).map(PrometheusReporter::scrapeData);
  }

  @Override
  public void close() {
    if (sender != null) {
      sender.close();
    }
    try {
      // What traces have not sent yet goes on its way now.
      Await.ready(
          Kamon.stopModules(),
          scala.concurrent.duration.Duration.fromNanos(STOP_PATIENCE.toNanos()));
    } catch (TimeoutException e) {
      LOG.warn("telemetry did not stop within {} s", STOP_PATIENCE.toSeconds());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
