package quartet.api.serve;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.api.http.WebOptions;
import quartet.api.store.StoreOptions;
import quartet.api.telemetry.TelemetryOptions;
import quartet.api.webhook.WebhookOptions;
import quartet.cluster.journal.JournalSettings;
import quartet.cluster.node.Retention;
import quartet.engine.exec.CacheMode;
import quartet.engine.files.Folders;
import quartet.engine.sim.SimCosts;

/**
 * How a server is started.
 *
 * @param queueCapacity open prompts for each device
 * @param stuckAfter silence after which a running prompt is taken to hang
 * @param shutdownGrace how long running prompts may go on when the server is stopped
 * @param historySize ended prompts that are kept
 * @param retention how long ended prompts are kept
 * @param database where prompts are kept across restarts
 * @param sim what work costs on simulated devices
 * @param faults folder for injected faults of simulated devices, or null for none
 * @param isolation how devices get processes of their own, or null if they do not
 * @param maxResident checkpoints kept on a device at once
 * @param cache which nodes' results each device keeps between prompts
 * @param hostModelBytes mapped checkpoints beyond this are closed when nobody holds them
 * @param maxUploadBytes larger request bodies are refused
 * @param writeMetadata whether PNG files carry the workflow
 * @param web how it presents itself to browsers
 * @param webhook where ends of prompts are told, or null
 * @param store where outputs are put besides the output folder, or null
 * @param tls files for https, or null for http
 * @param telemetry what is measured
 * @param name of the server
 * @param cluster how it works together with others, or null if it is alone
 */
public record ServerOptions(
    String address,
    int port,
    DeviceChoice devices,
    Folders folders,
    int queueCapacity,
    Duration stuckAfter,
    Duration shutdownGrace,
    int historySize,
    Retention retention,
    JournalSettings database,
    SimCosts sim,
    @Nullable Path faults,
    @Nullable Isolation isolation,
    int maxResident,
    CacheMode cache,
    long hostModelBytes,
    long maxUploadBytes,
    boolean writeMetadata,
    WebOptions web,
    @Nullable WebhookOptions webhook,
    @Nullable StoreOptions store,
    @Nullable TlsFiles tls,
    TelemetryOptions telemetry,
    String name,
    @Nullable ClusterOptions cluster,
    String version,
    List<String> arguments) {
  /** Copies the list. */
  public ServerOptions {
    arguments = List.copyOf(arguments);
  }

  /**
   * The name under which other servers find the pictures that are made here; null where all see the
   * same folders.
   */
  @Nullable String filesOn() {
    return cluster == null || cluster.sharedFiles() ? null : cluster.name();
  }
}
