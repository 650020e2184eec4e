package quartet.api.http;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import quartet.api.logs.LogTail;
import quartet.api.store.Bucket;
import quartet.api.telemetry.DeviceSensors;
import quartet.api.telemetry.Telemetry;
import quartet.api.ws.SocketHub;
import quartet.cluster.fleet.Fleet;
import quartet.cluster.model.ModelCacheActor;
import quartet.cluster.node.RouterProtocol;
import quartet.engine.files.Folders;
import quartet.engine.graph.GraphValidator;
import quartet.engine.node.NodeRegistry;

/**
 * What the routes speak to.
 *
 * @param router answers for all servers of a cluster
 * @param local answers for this server alone; the same one where there is no cluster
 * @param name of this server
 * @param fleet knows the servers of the cluster, or null where there is none
 * @param deviceNames name of each device by its number
 * @param version of the product
 * @param bucket has outputs that are not in the output folder any more; null if there is none
 * @param journalWorks whether prompts could be stored now; blocks
 * @param maxUploadBytes larger request bodies are refused
 */
public record ServerParts(
    ActorSystem<?> system,
    ActorRef<RouterProtocol.Command> router,
    ActorRef<RouterProtocol.Command> local,
    String name,
    @Nullable ActorRef<Fleet.Command> fleet,
    ActorRef<ModelCacheActor.Command> modelCache,
    NodeRegistry registry,
    GraphValidator validator,
    Folders folders,
    @Nullable Bucket bucket,
    BooleanSupplier journalWorks,
    List<String> deviceNames,
    String version,
    List<String> arguments,
    WebOptions web,
    LogTail logs,
    ActorRef<SocketHub.Command> hub,
    long maxUploadBytes,
    Telemetry telemetry,
    DeviceSensors sensors) {
  /** Copies the lists. */
  public ServerParts {
    deviceNames = List.copyOf(deviceNames);
    arguments = List.copyOf(arguments);
  }

  /** Numbers of the devices. */
  public List<Integer> gpuIds() {
    return java.util.stream.IntStream.range(0, deviceNames.size()).boxed().toList();
  }
}
