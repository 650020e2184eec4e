package quartet.api.serve;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import quartet.cluster.fleet.Fleet;

/**
 * How a server takes part in a cluster.
 *
 * @param name its name, unlike all others'
 * @param host where the others reach it
 * @param port the same; not the port of its API
 * @param seeds {@code host:port} of servers that new ones ask to be let in; itself may be among
 *     them
 * @param roles for people
 * @param split which side goes on when a cluster falls apart
 * @param stableAfter how long it must have been apart before that is decided
 * @param sharedFiles whether all servers see the same input and output folders
 * @param http where the others reach its API, or null for its host and port
 * @param tls files for messages between servers, or null to send them plainly
 */
public record ClusterOptions(
    String name,
    String host,
    int port,
    List<String> seeds,
    List<String> roles,
    Split split,
    Duration stableAfter,
    boolean sharedFiles,
    @Nullable String http,
    @Nullable Tls tls) {

  /** Who goes on after a split. */
  public enum Split {
    /** The larger side; the smaller one ends. For three servers and more. */
    KEEP_MAJORITY,
    /** Who gets a row in the database: also right for two servers. */
    LEASE_MAJORITY
  }

  /** Files in PEM. Both sides show their certificates. */
  public record Tls(Path key, Path certificate, Path authority) {}

  /** Copies the lists. */
  public ClusterOptions {
    seeds = List.copyOf(seeds);
    roles = List.copyOf(roles);
  }

  /** Akka's settings, to be laid over the application's. */
  Config akka() {
    Map<String, Object> set = new HashMap<>();
    set.put("akka.remote.artery.canonical.hostname", host);
    set.put("akka.remote.artery.canonical.port", port);
    set.put(
        "akka.cluster.seed-nodes", seeds.stream().map(seed -> "akka://quartet@" + seed).toList());
    set.put(
        "akka.cluster.roles",
        Stream.concat(roles.stream(), Stream.of(Fleet.nameRole(name))).toList());
    set.put("akka.cluster.split-brain-resolver.stable-after", stableAfter);
    set.put(
        "akka.cluster.split-brain-resolver.active-strategy",
        switch (split) {
          case KEEP_MAJORITY -> "keep-majority";
          case LEASE_MAJORITY -> "lease-majority";
        });
    if (tls != null) {
      String engine = "akka.remote.artery.ssl.rotating-keys-engine.";
      set.put("akka.remote.artery.transport", "tls-tcp");
      set.put(
          "akka.remote.artery.ssl.ssl-engine-provider",
          "akka.remote.artery.tcp.ssl.RotatingKeysSSLEngineProvider");
      set.put(engine + "key-file", tls.key().toString());
      set.put(engine + "cert-file", tls.certificate().toString());
      set.put(engine + "ca-cert-file", tls.authority().toString());
    }
    return ConfigFactory.systemProperties()
        .withFallback(ConfigFactory.parseMap(set))
        .withFallback(ConfigFactory.parseResources("quartet-cluster.conf"));
  }
}
