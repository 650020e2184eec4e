package quartet.api.http;

import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import quartet.api.auth.Principal;
import quartet.api.auth.Role;
import quartet.api.wire.Json;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.node.RouterProtocol;
import quartet.engine.graph.PromptError;

/** Queues and history as the one who asks may see them. */
final class Owned extends AllDirectives {
  /** A route that knows who asks. */
  Route as(Function<Principal, Route> route) {
    return attribute(Principal.KEY, route);
  }

  /** A route for operators. */
  Route adminOnly(Supplier<Route> route) {
    return as(
        who ->
            who.role() == Role.ADMIN
                ? route.get()
                : complete(
                    Replies.promptError(
                        StatusCodes.FORBIDDEN,
                        new PromptError(
                            "forbidden",
                            "This needs a key with the role admin",
                            "the key '%s' has the role %s"
                                .formatted(who.name(), who.role().text())),
                        Json.object())));
  }

  /** A route for those who may know of everybody's prompts. */
  Route watchersOnly(Supplier<Route> route) {
    return as(who -> who.seesAll() ? route.get() : adminOnly(route));
  }

  /** Of this server alone, also where it is one of several. */
  static CompletionStage<List<GpuSnapshot>> localQueues(ServerParts parts, Principal who) {
    return Asking.<List<GpuSnapshot>>local(parts, RouterProtocol.Queues::new)
        .thenApply(gpus -> gpus.stream().map(gpu -> seen(gpu, who)).toList());
  }

  static CompletionStage<List<GpuSnapshot>> queues(ServerParts parts, Principal who) {
    return Asking.<List<GpuSnapshot>>router(parts, RouterProtocol.Queues::new)
        .thenApply(gpus -> gpus.stream().map(gpu -> seen(gpu, who)).toList());
  }

  private static GpuSnapshot seen(GpuSnapshot gpu, Principal who) {
    return who.seesAll()
        ? gpu
        : new GpuSnapshot(
            gpu.node(),
            gpu.gpuId(),
            gpu.device(),
            gpu.running().filter(who::sees),
            gpu.ending().stream().filter(who::sees).toList(),
            gpu.pending().stream().filter(who::sees).toList(),
            gpu.planned(),
            gpu.figures(),
            gpu.paused(),
            gpu.unhealthy());
  }

  static CompletionStage<List<PromptRecord>> history(ServerParts parts, Principal who) {
    return Asking.<List<PromptRecord>>router(parts, RouterProtocol.History::new)
        .thenApply(
            records ->
                who.seesAll()
                    ? records
                    : records.stream().filter(record -> who.sees(record.job())).toList());
  }

  static CompletionStage<Optional<PromptRecord>> find(
      ServerParts parts, Principal who, String promptId) {
    return Asking.<Optional<PromptRecord>>router(
            parts, replyTo -> new RouterProtocol.Find(promptId, replyTo))
        .thenApply(found -> found.filter(record -> who.sees(record.job())));
  }

  /** Ids of waiting prompts. */
  static Set<String> pending(List<GpuSnapshot> gpus) {
    return ids(gpus.stream().flatMap(gpu -> gpu.pending().stream()));
  }

  /** Ids of prompts that run or are being saved. */
  static Set<String> running(List<GpuSnapshot> gpus) {
    return ids(gpus.stream().flatMap(gpu -> gpu.underWay().stream()));
  }

  private static Set<String> ids(Stream<PromptJob> jobs) {
    Set<String> ids = new LinkedHashSet<>();
    jobs.forEach(job -> ids.add(job.promptId()));
    return ids;
  }

  /** Writes whose a prompt is, over anything that a client may have written there. */
  static void sign(ObjectNode extraData, Principal who) {
    extraData.remove(Principal.OWNER);
    if (!who.name().isEmpty()) {
      extraData.put(Principal.OWNER, who.name());
    }
  }
}
