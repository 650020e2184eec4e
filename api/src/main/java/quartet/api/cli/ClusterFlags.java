package quartet.api.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.serve.ClusterOptions;
import quartet.api.serve.ServeError;
import quartet.errors.EngineException;

/** Flags of {@code serve} for servers that work together. */
final class ClusterFlags {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][-A-Za-z0-9_.]{0,62}");
  private static final Pattern SEED =
      Pattern.compile("[^\\s:/@]+:\\d{1,5}|\\[[0-9A-Fa-f:]+]:\\d{1,5}");
  private static final int MAX_PORT = 65535;

  @CommandLine.Option(
      names = "--cluster",
      paramLabel = "HOST:PORT",
      split = ",",
      description =
          "Works together with other servers: addresses (--cluster-host, --cluster-port) of one or"
              + " more of them, the same list on all. Needs a PostgreSQL --database.")
  private @Nullable List<String> seeds;

  @CommandLine.Option(
      names = "--node-name",
      description = "This server's name in the cluster (default: the host's name).")
  private @Nullable String name;

  @CommandLine.Option(
      names = "--cluster-host",
      defaultValue = "127.0.0.1",
      description = "Where the other servers reach this one (default: ${DEFAULT-VALUE}).")
  private String host = "127.0.0.1";

  @CommandLine.Option(
      names = "--cluster-port",
      defaultValue = "25520",
      description = "The same; not the port of the API (default: ${DEFAULT-VALUE}).")
  private int port = 25520;

  @CommandLine.Option(
      names = "--cluster-roles",
      split = ",",
      description = "Roles that GET /cluster shows, for example gpu,front.")
  private List<String> roles = List.of();

  @CommandLine.Option(
      names = "--cluster-split",
      defaultValue = "lease-majority",
      description =
          "Which side goes on when the network falls apart: keep-majority (three servers and more)"
              + " or lease-majority (a row in the database decides; also for two) (default:"
              + " ${DEFAULT-VALUE}).")
  private String split = "lease-majority";

  @CommandLine.Option(
      names = "--cluster-stable-after",
      paramLabel = "SECONDS",
      defaultValue = "3",
      description =
          "How long servers must have been apart before that is decided (default:"
              + " ${DEFAULT-VALUE}).")
  private int stableAfter = 3;

  @CommandLine.Option(
      names = "--cluster-shared-files",
      description = "All servers see the same input and output folders.")
  private boolean sharedFiles;

  @CommandLine.Option(
      names = "--cluster-http",
      paramLabel = "URL",
      description =
          "Where the other servers reach this one's API (default: --cluster-host and --port).")
  private @Nullable String http;

  @CommandLine.ArgGroup(exclusive = false)
  private @Nullable Tls tls;

  /** All or none. */
  static final class Tls {
    @CommandLine.Option(
        names = "--cluster-tls-keyfile",
        required = true,
        paramLabel = "FILE",
        description = "Private key (PKCS#8, PEM) of this server for messages between servers.")
    private Path key = Path.of("");

    @CommandLine.Option(
        names = "--cluster-tls-certfile",
        required = true,
        paramLabel = "FILE",
        description = "Its certificate in PEM. All servers' have a name (CN or DNS) in common.")
    private Path certificate = Path.of("");

    @CommandLine.Option(
        names = "--cluster-tls-cafile",
        required = true,
        paramLabel = "FILE",
        description = "Certificate in PEM of the authority that has signed all servers'.")
    private Path authority = Path.of("");
  }

  /**
   * What was chosen; null for a server alone.
   *
   * @param postgres whether the database is one that several servers can use
   * @throws EngineException saying what to change
   */
  @Nullable ClusterOptions options(boolean postgres) {
    List<String> wanted = seeds;
    if (wanted == null) {
      return null;
    }
    if (!postgres) {
      throw wrong(
          "--cluster needs a database that all servers share, and this one is a file of one server:"
              + " give --database jdbc:postgresql://HOST/NAME, the same on all servers");
    }
    for (String seed : wanted) {
      if (!SEED.matcher(seed).matches()) {
        throw wrong("--cluster has '%s'; write HOST:PORT,HOST:PORT".formatted(seed));
      }
    }
    if (port < 1 || port > MAX_PORT) {
      throw wrong("--cluster-port is %d; it must be from 1 to %d".formatted(port, MAX_PORT));
    }
    if (stableAfter < 1) {
      throw wrong("--cluster-stable-after is %d; it must be 1 or more".formatted(stableAfter));
    }
    String known = name();
    if (!NAME.matcher(known).matches()) {
      throw wrong(
          "--node-name is '%s'; it may have letters, digits, '-', '_' and '.'".formatted(known));
    }
    return new ClusterOptions(
        known,
        host,
        port,
        wanted,
        roles,
        split(),
        Duration.ofSeconds(stableAfter),
        sharedFiles,
        http,
        tls == null ? null : checked(tls));
  }

  /** The name that was given, or the host's. */
  String name() {
    if (name != null) {
      return name;
    }
    return HostName.read(HostName.KERNEL);
  }

  private ClusterOptions.Split split() {
    return switch (split.toLowerCase(Locale.ROOT)) {
      case "keep-majority" -> ClusterOptions.Split.KEEP_MAJORITY;
      case "lease-majority" -> ClusterOptions.Split.LEASE_MAJORITY;
      default ->
          throw wrong(
              "--cluster-split is '%s'; write keep-majority or lease-majority".formatted(split));
    };
  }

  private static ClusterOptions.Tls checked(Tls tls) {
    for (Path file : List.of(tls.key, tls.certificate, tls.authority)) {
      if (!Files.isReadable(file)) {
        throw wrong("the file %s of --cluster-tls-… cannot be read".formatted(file));
      }
    }
    return new ClusterOptions.Tls(tls.key, tls.certificate, tls.authority);
  }

  private static EngineException wrong(String message) {
    return new EngineException(ServeError.BAD_OPTION, message);
  }
}
