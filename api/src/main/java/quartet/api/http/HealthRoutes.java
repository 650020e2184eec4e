package quartet.api.http;

import akka.actor.typed.DispatcherSelector;
import akka.cluster.MemberStatus;
import akka.cluster.typed.Cluster;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import quartet.api.wire.Json;
import quartet.cluster.node.RouterProtocol;

/**
 * {@code GET /health/live}: the process answers; {@code GET /health/ready}: new prompts may be sent
 * here. For proxies and supervisors: without a key, and without anything that a stranger may not
 * know.
 */
final class HealthRoutes extends AllDirectives {
  static final String LIVE = "/health/live";
  static final String READY = "/health/ready";
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  /** However often it is asked, the database is asked once in that time. */
  private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

  private record Looked(long nanos, CompletableFuture<Boolean> works) {}

  private final ServerParts parts;
  private final Executor blocking;
  private @Nullable Looked looked;

  HealthRoutes(ServerParts parts) {
    this.parts = parts;
    this.blocking = parts.system().dispatchers().lookup(DispatcherSelector.blocking());
  }

  Route route() {
    return pathPrefix(
        "health",
        () ->
            concat(
                path(
                    "live",
                    () -> get(() -> complete(Replies.json(Json.object().put("live", true))))),
                path("ready", () -> get(() -> completeWithFuture(ready())))));
  }

  private CompletionStage<HttpResponse> ready() {
    return Asking.<RouterProtocol.DrainState>local(
            parts, replyTo -> new RouterProtocol.Drain(null, replyTo))
        .thenCombine(
            journalWorks(),
            (drain, stores) -> {
              List<String> not = new ArrayList<>();
              if (drain.mode() != RouterProtocol.DrainMode.OFF) {
                not.add("draining");
              }
              if (!stores) {
                not.add("journal_unavailable");
              }
              if (parts.fleet() != null && !isMember()) {
                not.add("not_in_cluster");
              }
              return not;
            })
        .exceptionally(failure -> List.of("does_not_answer"))
        .thenApply(HealthRoutes::answer);
  }

  private boolean isMember() {
    return Cluster.get(parts.system()).selfMember().status().equals(MemberStatus.up());
  }

  private synchronized CompletableFuture<Boolean> journalWorks() {
    long now = System.nanoTime();
    Looked last = looked;
    if (last == null || now - last.nanos() > LOOK_EVERY.toNanos()) {
      last =
          new Looked(
              now,
              CompletableFuture.supplyAsync(() -> parts.journalWorks().getAsBoolean(), blocking)
                  .completeOnTimeout(false, PATIENCE.toMillis(), TimeUnit.MILLISECONDS));
      looked = last;
    }
    return last.works();
  }

  private static HttpResponse answer(List<String> not) {
    ObjectNode body = Json.object().put("ready", not.isEmpty());
    ArrayNode reasons = body.putArray("reasons");
    not.forEach(reasons::add);
    return Replies.json(not.isEmpty() ? StatusCodes.OK : StatusCodes.SERVICE_UNAVAILABLE, body);
  }
}
