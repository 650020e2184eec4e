package quartet.api.cli;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import quartet.api.http.WebOptions;
import quartet.api.serve.BackendFactory;
import quartet.api.serve.ClusterOptions;
import quartet.api.serve.DeviceChoice;
import quartet.api.serve.Isolation;
import quartet.api.serve.LastResort;
import quartet.api.serve.ServeError;
import quartet.api.serve.Server;
import quartet.api.serve.ServerOptions;
import quartet.api.serve.TlsFiles;
import quartet.api.webhook.WebhookOptions;
import quartet.cluster.journal.JournalSettings;
import quartet.cluster.node.Retention;
import quartet.engine.files.Folders;
import quartet.engine.sim.SimCosts;
import quartet.errors.EngineException;

/** {@code quartet serve}: the server. */
@CommandLine.Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = "Serves ComfyUI's API on all chosen devices.")
final class ServeCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);
  private static final int CLUSTER_GRACE_SECONDS = 30;
  private static final long MEGABYTE = 1L << 20;
  private static final long GIGABYTE = 1L << 30;

  private final BackendFactory backends;

  @CommandLine.Spec private CommandLine.Model.@Nullable CommandSpec spec;

  @CommandLine.Option(
      names = "--listen",
      arity = "0..1",
      defaultValue = "127.0.0.1",
      fallbackValue = "0.0.0.0",
      description = "Address to listen on (default: ${DEFAULT-VALUE}; without a value: all).")
  private String listen = "127.0.0.1";

  @CommandLine.Option(
      names = "--port",
      defaultValue = "8188",
      description = "Port (default: ${DEFAULT-VALUE}; 0: any free one).")
  private int port = 8188;

  @CommandLine.Option(
      names = "--no-auth",
      description =
          "Allows everybody who reaches the address to use the server. Needed beyond loopback.")
  private boolean noAuth;

  @CommandLine.Option(
      names = "--devices",
      defaultValue = "auto",
      description =
          "auto, cpu:4 (virtual devices on the CPU), cuda:0,1, sim:4 (simulated: nothing is"
              + " computed) (default: ${DEFAULT-VALUE}).")
  private String devices = "auto";

  @CommandLine.Option(names = "--sim", paramLabel = "COSTS", description = SimCosts.HELP)
  private String sim = "";

  @CommandLine.Option(
      names = "--allow-fewer-devices",
      description = "Goes on when COMFY_NUM_GPUS asks for more devices than exist.")
  private boolean allowFewer;

  @CommandLine.Option(
      names = "--base-directory",
      defaultValue = "${sys:quartet.home:-.}",
      description =
          "Parent of models, input, output, logs, …. Default: the folder of the quartet command.")
  private Path base = Path.of(".");

  @CommandLine.Option(names = "--output-directory", description = "Where pictures go.")
  private @Nullable Path output;

  @CommandLine.Option(
      names = "--queue-size",
      defaultValue = "100",
      description =
          "Open prompts for each device; beyond, clients get 429 (default: ${DEFAULT-VALUE}).")
  private int queueSize = 100;

  @CommandLine.Option(
      names = "--shutdown-grace",
      paramLabel = "SECONDS",
      description =
          "How long running prompts may go on when the server is told to stop; after that they are"
              + " interrupted and run again at the next start, or on another server of a cluster"
              + " (default: 0; in a cluster 30).")
  private @Nullable Integer shutdownGraceSeconds;

  @CommandLine.Option(
      names = "--isolation",
      defaultValue = "none",
      description =
          "none, or process: each device in a JVM of its own, so that a fault of one never touches"
              + " the others (default: ${DEFAULT-VALUE}).")
  private String isolation = "none";

  @CommandLine.Option(names = "--inject-faults", hidden = true)
  private @Nullable Path faults;

  @CommandLine.Option(
      names = "--stuck-after",
      paramLabel = "SECONDS",
      defaultValue = "300",
      description =
          "A running prompt that gives no sign of life for so long hangs: its device is taken as"
              + " lost and its prompt runs again (default: ${DEFAULT-VALUE}).")
  private int stuckAfter = 300;

  @CommandLine.Option(
      names = "--max-resident",
      defaultValue = "2",
      description = "Checkpoints kept on a device at once (default: ${DEFAULT-VALUE}).")
  private int maxResident = 2;

  @CommandLine.Option(
      names = "--host-model-gb",
      defaultValue = "64",
      description =
          "Mapped checkpoints beyond this are closed when unused (default: ${DEFAULT-VALUE}).")
  private int hostModelGigabytes = 64;

  @CommandLine.Option(
      names = "--max-upload-size",
      defaultValue = "100",
      description = "Largest request body in MB (default: ${DEFAULT-VALUE}).")
  private int maxUploadMegabytes = 100;

  @CommandLine.Option(
      names = "--history-size",
      defaultValue = "10000",
      description = "Ended prompts that are kept (default: ${DEFAULT-VALUE}).")
  private int historySize = 10000;

  @CommandLine.Option(
      names = "--history-days",
      defaultValue = "30",
      description =
          "Days for which ended prompts are kept (default: ${DEFAULT-VALUE}; 0: no limit).")
  private int historyDays = 30;

  @CommandLine.Option(
      names = "--database",
      paramLabel = "URL",
      description =
          "Where prompts are kept across restarts: jdbc:postgresql://host/name or jdbc:h2:… "
              + "(default: a file in data/ below the base directory). "
              + "User and password: QUARTET_DATABASE_USER, QUARTET_DATABASE_PASSWORD.")
  private @Nullable String database;

  @CommandLine.Option(
      names = "--webhook",
      paramLabel = "URL",
      description =
          "Posts the end of every prompt there, signed with QUARTET_WEBHOOK_SECRET, until it is"
              + " taken.")
  private @Nullable URI webhook;

  @CommandLine.Option(
      names = "--disable-metadata",
      description = "Writes no workflow into the pictures.")
  private boolean noMetadata;

  @CommandLine.Mixin private TelemetryFlags telemetry = new TelemetryFlags();

  @CommandLine.ArgGroup private CacheFlags.@Nullable Choice cache;

  @CommandLine.Mixin private ClusterFlags cluster = new ClusterFlags();

  @CommandLine.Mixin private WebFlags web = new WebFlags();

  @CommandLine.Mixin private StoreFlags store = new StoreFlags();

  ServeCommand(BackendFactory backends) {
    this.backends = backends;
  }

  @Override
  public Integer call() {
    WebOptions webOptions = web.options();
    checkAddress(webOptions.keys() != null);
    DeviceChoice choice =
        DeviceChoice.of(
            devices,
            new DeviceChoice.Environment(
                System.getenv("COMFY_MULTI_GPU_SCHED"), System.getenv("COMFY_NUM_GPUS")),
            backends.gpus(),
            allowFewer);
    @Nullable TlsFiles tls = web.tlsFiles();
    if (tls != null) {
      tls.context(); // what is wrong with the files is said before anything is started
    }
    Folders folders = Folders.below(base);
    Folders used = output == null ? folders : folders.withOutput(output);
    JournalSettings journal =
        database == null
            ? JournalSettings.file(base.resolve("data"))
            : JournalSettings.of(
                database,
                System.getenv("QUARTET_DATABASE_USER"),
                System.getenv("QUARTET_DATABASE_PASSWORD"));
    @Nullable ClusterOptions clusterOptions = cluster.options(!journal.isH2());
    int shutdownGrace =
        shutdownGraceSeconds != null
            ? shutdownGraceSeconds
            : clusterOptions == null ? 0 : CLUSTER_GRACE_SECONDS;
    ServerOptions options =
        new ServerOptions(
            listen,
            port,
            choice,
            used,
            queueSize,
            Duration.ofSeconds(stuckAfter),
            Duration.ofSeconds(shutdownGrace),
            historySize,
            historyDays > 0 ? new Retention(Duration.ofDays(historyDays)) : Retention.BY_COUNT,
            journal,
            SimCosts.parse(sim),
            faults,
            isolation(used),
            maxResident,
            CacheFlags.mode(cache),
            hostModelGigabytes * GIGABYTE,
            maxUploadMegabytes * MEGABYTE,
            !noMetadata,
            webOptions,
            webhook(),
            store.options(base.resolve("data").resolve("uploads"), System.getenv()),
            tls,
            telemetry.options(),
            cluster.name(),
            clusterOptions,
            ProductVersion.text(),
            spec == null ? List.of() : spec.commandLine().getParseResult().originalArgs());
    Server server = Server.start(options, backends);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  LOG.info(
                      shutdownGrace > 0
                          ? "Stopping: no new prompts; running ones have {} s to end"
                          : "Stopping: no new prompts; running ones are interrupted",
                      shutdownGrace);
                  server.close();
                },
                "shutdown"));
    return server.awaitStop() ? CommandLine.ExitCode.OK : LastResort.EXIT_CODE;
  }

  private @Nullable WebhookOptions webhook() {
    if (webhook == null) {
      return null;
    }
    String secret = System.getenv("QUARTET_WEBHOOK_SECRET");
    if (secret == null || secret.isBlank()) {
      throw new EngineException(
          ServeError.BAD_OPTION,
          "--webhook needs a secret that signs its messages: set QUARTET_WEBHOOK_SECRET");
    }
    if (!("http".equals(webhook.getScheme()) || "https".equals(webhook.getScheme()))
        || webhook.getHost() == null) {
      throw new EngineException(
          ServeError.BAD_OPTION,
          "--webhook is '%s'; it must be an http or https address".formatted(webhook));
    }
    return WebhookOptions.of(webhook, secret, base.resolve("data").resolve("webhooks"));
  }

  private @Nullable Isolation isolation(Folders used) {
    return switch (isolation) {
      case "none" -> null;
      case "process" ->
          new Isolation(
              base.toAbsolutePath(),
              used.output(),
              sim,
              faults,
              maxResident,
              !noMetadata,
              CacheFlags.mode(cache));
      default ->
          throw new EngineException(
              ServeError.BAD_OPTION,
              "--isolation is '%s'; write none or process".formatted(isolation));
    };
  }

  private void checkAddress(boolean hasKeys) {
    boolean loopback;
    try {
      loopback = InetAddress.getByName(listen).isLoopbackAddress();
    } catch (UnknownHostException e) {
      throw new EngineException(
          CliError.OPEN_TO_ALL, "--listen " + listen + " is no address of this machine", e);
    }
    if (!loopback && !noAuth && !hasKeys) {
      throw new EngineException(
          CliError.OPEN_TO_ALL,
          "--listen %s would let everybody who reaches this machine run prompts and read pictures."
                  .formatted(listen)
              + " Give keys to those who may (--api-keys FILE); or, if it is meant (a trusted network,"
              + " a proxy in front), add --no-auth");
    }
    if (!loopback && !hasKeys) {
      LOG.warn("⚠️ Listening on {} WITHOUT authentication (--no-auth)", listen);
    }
  }
}
