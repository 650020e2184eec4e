package quartet.api.http;

import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import quartet.api.wire.Json;
import quartet.api.wire.QueueJson;
import quartet.api.wire.TargetGpu;
import quartet.cluster.node.RouterProtocol;
import scala.concurrent.duration.FiniteDuration;

/** {@code /queue}, {@code /queue/all}, {@code /interrupt}, {@code /free}. */
final class QueueRoutes extends AllDirectives {
  private static final FiniteDuration BODY_PATIENCE = FiniteDuration.create(10, TimeUnit.SECONDS);

  private final ServerParts parts;
  private final QueueJson json = new QueueJson();

  QueueRoutes(ServerParts parts) {
    this.parts = parts;
  }

  Route route() {
    return concat(
        path(
            akka.http.javadsl.server.PathMatchers.segment("queue").slash("all"),
            () -> get(() -> completeWithFuture(all()))),
        path(
            "queue",
            () ->
                concat(
                    get(
                        () ->
                            optionalHeaderValueByName(
                                TargetGpu.HEADER, header -> completeWithFuture(queue(header)))),
                    post(
                        () ->
                            optionalHeaderValueByName(
                                TargetGpu.HEADER, header -> body(body -> change(header, body)))))),
        path(
            "interrupt",
            () ->
                post(
                    () ->
                        optionalHeaderValueByName(
                            TargetGpu.HEADER,
                            header -> lenientBody(body -> interrupt(header, body))))),
        path("free", () -> post(() -> body(this::free))));
  }

  private CompletionStage<HttpResponse> all() {
    return Asking.router(parts, RouterProtocol.Queues::new)
        .thenApply(gpus -> Replies.json(json.all(gpus)));
  }

  private CompletionStage<HttpResponse> queue(Optional<String> header) {
    return Asking.router(parts, RouterProtocol.Queues::new)
        .thenApply(
            gpus ->
                switch (TargetGpu.parse(header, parts.gpuIds())) {
                  case TargetGpu.Any ignored -> Replies.json(json.queue(gpus));
                  case TargetGpu.One one -> Replies.json(json.queueOf(gpus.get(one.gpuId())));
                  case TargetGpu.Wrong wrong -> Replies.promptError(wrong.error(), Json.object());
                });
  }

  private HttpResponse change(Optional<String> header, JsonNode body) {
    switch (TargetGpu.parse(header, parts.gpuIds())) {
      case TargetGpu.Wrong wrong -> {
        return Replies.promptError(wrong.error(), Json.object());
      }
      case TargetGpu.Any ignored -> changeOn(null, body);
      case TargetGpu.One one -> changeOn(one.gpuId(), body);
    }
    return Replies.empty(StatusCodes.OK);
  }

  private void changeOn(@Nullable Integer gpuId, JsonNode body) {
    if (body.path("clear").asBoolean(false)) {
      parts.router().tell(new RouterProtocol.ClearPending(gpuId));
    }
    if (body.path("delete").isArray()) {
      Set<String> ids = new LinkedHashSet<>();
      body.get("delete").forEach(id -> ids.add(id.asText()));
      parts.router().tell(new RouterProtocol.DeletePending(ids));
    }
  }

  private HttpResponse interrupt(Optional<String> header, JsonNode body) {
    JsonNode id = body.get("prompt_id");
    String promptId = id == null || id.isNull() ? null : id.asText();
    switch (TargetGpu.parse(header, parts.gpuIds())) {
      case TargetGpu.Wrong wrong -> {
        return Replies.promptError(wrong.error(), Json.object());
      }
      case TargetGpu.Any ignored ->
          parts.router().tell(new RouterProtocol.Interrupt(promptId, null));
      case TargetGpu.One one ->
          parts.router().tell(new RouterProtocol.Interrupt(promptId, one.gpuId()));
    }
    return Replies.empty(StatusCodes.OK);
  }

  private HttpResponse free(JsonNode body) {
    boolean models = body.path("unload_models").asBoolean(false);
    boolean memory = body.path("free_memory").asBoolean(false);
    if (models || memory) {
      parts.router().tell(new RouterProtocol.Free(true));
    }
    return Replies.empty(StatusCodes.OK);
  }

  private Route body(java.util.function.Function<JsonNode, HttpResponse> handler) {
    return extractStrictEntity(
        BODY_PATIENCE,
        entity -> {
          try {
            return complete(handler.apply(Json.parse(entity.getData().toArray())));
          } catch (JsonProcessingException e) {
            return complete(
                Replies.text(
                    StatusCodes.BAD_REQUEST,
                    "the body is not valid JSON: " + e.getOriginalMessage()));
          }
        });
  }

  /** A body that may be missing or anything at all. */
  private Route lenientBody(java.util.function.Function<JsonNode, HttpResponse> handler) {
    return extractStrictEntity(
        BODY_PATIENCE,
        entity -> {
          JsonNode body;
          try {
            body = Json.parse(entity.getData().toArray());
          } catch (JsonProcessingException e) {
            body = Json.object();
          }
          return complete(handler.apply(body));
        });
  }
}
