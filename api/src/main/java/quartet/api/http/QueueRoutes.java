package quartet.api.http;

import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import quartet.api.auth.Principal;
import quartet.api.wire.Json;
import quartet.api.wire.QueueJson;
import quartet.api.wire.TargetGpu;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.node.RouterProtocol;
import scala.concurrent.duration.FiniteDuration;

/** {@code /queue}, {@code /queue/all}, {@code /interrupt}, {@code /free}. */
final class QueueRoutes extends AllDirectives {
  private static final FiniteDuration BODY_PATIENCE = FiniteDuration.create(10, TimeUnit.SECONDS);

  private final ServerParts parts;
  private final Owned owned = new Owned();
  private final QueueJson json = new QueueJson();

  QueueRoutes(ServerParts parts) {
    this.parts = parts;
  }

  Route route() {
    return concat(
        path(
            akka.http.javadsl.server.PathMatchers.segment("queue").slash("all"),
            () -> get(() -> owned.as(who -> completeWithFuture(all(who))))),
        path(
            "queue",
            () ->
                concat(
                    get(
                        () ->
                            optionalHeaderValueByName(
                                TargetGpu.HEADER,
                                header -> owned.as(who -> completeWithFuture(queue(who, header))))),
                    post(
                        () ->
                            optionalHeaderValueByName(
                                TargetGpu.HEADER,
                                header ->
                                    owned.as(who -> body(body -> change(who, header, body))))))),
        path(
            "interrupt",
            () ->
                post(
                    () ->
                        optionalHeaderValueByName(
                            TargetGpu.HEADER,
                            header ->
                                owned.as(
                                    who -> lenientBody(body -> interrupt(who, header, body)))))),
        path("free", () -> post(() -> owned.adminOnly(() -> body(this::free)))));
  }

  private CompletionStage<HttpResponse> all(Principal who) {
    return Owned.queues(parts, who).thenApply(gpus -> Replies.json(json.all(gpus)));
  }

  private CompletionStage<HttpResponse> queue(Principal who, Optional<String> header) {
    return Owned.queues(parts, who)
        .thenApply(
            gpus ->
                switch (TargetGpu.parse(header, parts.gpuIds())) {
                  case TargetGpu.Any ignored -> Replies.json(json.queue(gpus));
                  case TargetGpu.One one -> Replies.json(json.queueOf(gpus.get(one.gpuId())));
                  case TargetGpu.Wrong wrong -> Replies.promptError(wrong.error(), Json.object());
                });
  }

  private CompletionStage<HttpResponse> change(
      Principal who, Optional<String> header, JsonNode body) {
    return switch (TargetGpu.parse(header, parts.gpuIds())) {
      case TargetGpu.Wrong wrong ->
          CompletableFuture.completedFuture(Replies.promptError(wrong.error(), Json.object()));
      case TargetGpu.Any ignored -> changeOn(who, null, body);
      case TargetGpu.One one -> changeOn(who, one.gpuId(), body);
    };
  }

  private CompletionStage<HttpResponse> changeOn(
      Principal who, @Nullable Integer gpuId, JsonNode body) {
    boolean clear = body.path("clear").asBoolean(false);
    Set<String> ids = new LinkedHashSet<>();
    if (body.path("delete").isArray()) {
      body.get("delete").forEach(id -> ids.add(id.asText()));
    }
    if (who.seesAll()) {
      if (clear) {
        parts.router().tell(new RouterProtocol.ClearPending(gpuId));
      }
      parts.router().tell(new RouterProtocol.DeletePending(ids));
      return CompletableFuture.completedFuture(Replies.empty(StatusCodes.OK));
    }
    return Owned.queues(parts, who)
        .thenApply(
            gpus -> {
              Set<String> own = Owned.pending(gpus);
              Set<String> gone = new LinkedHashSet<>(own);
              gone.retainAll(ids);
              if (clear) {
                gpus.stream()
                    .filter(gpu -> gpuId == null || isHere(gpu, gpuId))
                    .forEach(gpu -> gone.addAll(Owned.pending(List.of(gpu))));
              }
              parts.router().tell(new RouterProtocol.DeletePending(gone));
              return Replies.empty(StatusCodes.OK);
            });
  }

  private boolean isHere(GpuSnapshot gpu, int gpuId) {
    return gpu.gpuId() == gpuId && (gpu.node() == null || gpu.node().equals(parts.name()));
  }

  private CompletionStage<HttpResponse> interrupt(
      Principal who, Optional<String> header, JsonNode body) {
    JsonNode id = body.get("prompt_id");
    String promptId = id == null || id.isNull() ? null : id.asText();
    return switch (TargetGpu.parse(header, parts.gpuIds())) {
      case TargetGpu.Wrong wrong ->
          CompletableFuture.completedFuture(Replies.promptError(wrong.error(), Json.object()));
      case TargetGpu.Any ignored -> interruptOn(who, null, promptId);
      case TargetGpu.One one -> interruptOn(who, one.gpuId(), promptId);
    };
  }

  private CompletionStage<HttpResponse> interruptOn(
      Principal who, @Nullable Integer gpuId, @Nullable String promptId) {
    if (who.seesAll()) {
      parts.router().tell(new RouterProtocol.Interrupt(promptId, gpuId));
      return CompletableFuture.completedFuture(Replies.empty(StatusCodes.OK));
    }
    return Owned.queues(parts, who)
        .thenApply(
            gpus -> {
              Owned.running(gpus).stream()
                  .filter(id -> promptId == null || promptId.equals(id))
                  .forEach(id -> parts.router().tell(new RouterProtocol.Interrupt(id, gpuId)));
              return Replies.empty(StatusCodes.OK);
            });
  }

  private CompletionStage<HttpResponse> free(JsonNode body) {
    boolean models = body.path("unload_models").asBoolean(false);
    boolean memory = body.path("free_memory").asBoolean(false);
    if (models || memory) {
      parts.router().tell(new RouterProtocol.Free(true));
    }
    return CompletableFuture.completedFuture(Replies.empty(StatusCodes.OK));
  }

  private Route body(Function<JsonNode, CompletionStage<HttpResponse>> handler) {
    return extractStrictEntity(
        BODY_PATIENCE,
        entity -> {
          try {
            return completeWithFuture(handler.apply(Json.parse(entity.getData().toArray())));
          } catch (JsonProcessingException e) {
            return complete(
                Replies.text(
                    StatusCodes.BAD_REQUEST,
                    "the body is not valid JSON: " + e.getOriginalMessage()));
          }
        });
  }

  /** A body that may be missing or anything at all. */
  private Route lenientBody(Function<JsonNode, CompletionStage<HttpResponse>> handler) {
    return extractStrictEntity(
        BODY_PATIENCE,
        entity -> {
          JsonNode body;
          try {
            body = Json.parse(entity.getData().toArray());
          } catch (JsonProcessingException e) {
            body = Json.object();
          }
          return completeWithFuture(handler.apply(body));
        });
  }
}
