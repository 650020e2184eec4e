package quartet.api.http;

import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import quartet.api.wire.Json;
import quartet.api.wire.TargetGpu;
import quartet.cluster.node.RouterProtocol;
import quartet.cluster.queue.Waiting;
import quartet.engine.graph.PromptError;

/**
 * What operators do to queues, beside ComfyUI's routes: {@code POST /queue/pause}, {@code
 * /queue/resume}, {@code /queue/move}, and {@code /queue/drain}.
 */
final class OperatorRoutes extends AllDirectives {
  private final ServerParts parts;
  private final Owned owned = new Owned();
  private final Bodies bodies = new Bodies();

  OperatorRoutes(ServerParts parts) {
    this.parts = parts;
  }

  Route route() {
    return pathPrefix(
        "queue",
        () ->
            concat(
                path("pause", () -> post(() -> changing(json -> pause(json, true)))),
                path("resume", () -> post(() -> changing(json -> pause(json, false)))),
                path("move", () -> post(() -> changing(this::move))),
                path(
                    PathMatchers.segment("drain"),
                    () ->
                        concat(
                            get(() -> owned.watchersOnly(() -> completeWithFuture(drain(null)))),
                            post(() -> changing(this::drain))))));
  }

  /** These change what others get, so where there are keys they want an operator's. */
  private Route changing(Function<JsonNode, CompletionStage<HttpResponse>> handler) {
    return owned.adminOnly(
        () -> bodies.jsonOrNothing(json -> completeWithFuture(handler.apply(json))));
  }

  private CompletionStage<HttpResponse> pause(JsonNode json, boolean paused) {
    return switch (gpu(json)) {
      case TargetGpu.Wrong wrong -> wrong(wrong.error());
      case TargetGpu.Any ignored -> pause((Integer) null, paused);
      case TargetGpu.One one -> pause(one.gpuId(), paused);
    };
  }

  private CompletionStage<HttpResponse> pause(@Nullable Integer gpuId, boolean paused) {
    return Asking.<RouterProtocol.ChangeReply>router(
            parts, replyTo -> new RouterProtocol.Pause(gpuId, paused, replyTo))
        .thenApply(OperatorRoutes::answer);
  }

  private TargetGpu.Here gpu(JsonNode json) {
    JsonNode gpu = json.path("gpu");
    return TargetGpu.parse(
        gpu.isMissingNode() || gpu.isNull() ? Optional.empty() : Optional.of(gpu.asText()),
        parts.gpuIds());
  }

  private CompletionStage<HttpResponse> move(JsonNode json) {
    String promptId = json.path("prompt_id").asText();
    if (promptId.isEmpty()) {
      return wrong(new PromptError("invalid_move", "'prompt_id' is missing", json.toString()));
    }
    if (json.has("gpu")) {
      return switch (gpu(json)) {
        case TargetGpu.Wrong wrong -> wrong(wrong.error());
        case TargetGpu.Any ignored -> move(promptId, new RouterProtocol.ToGpu(null));
        case TargetGpu.One one -> move(promptId, new RouterProtocol.ToGpu(one.gpuId()));
      };
    }
    if (json.path("before").isTextual()) {
      return move(promptId, new RouterProtocol.Before(json.get("before").textValue()));
    }
    JsonNode priority = json.path("priority");
    if (priority.isInt() && Math.abs(priority.intValue()) <= Waiting.MAX_PRIORITY) {
      return move(promptId, new RouterProtocol.Priority(priority.intValue()));
    }
    return switch (json.path("to").asText()) {
      case "front" -> move(promptId, new RouterProtocol.ToFront());
      case "back" -> move(promptId, new RouterProtocol.ToBack());
      default ->
          wrong(
              new PromptError(
                  "invalid_move",
                  "The body does not say where to",
                  "give one of \"gpu\": N or null, \"to\": \"front\" or \"back\", \"before\":"
                      + " PROMPT_ID, \"priority\": -1000 to 1000"));
    };
  }

  private CompletionStage<HttpResponse> move(String promptId, RouterProtocol.Where where) {
    return Asking.<RouterProtocol.ChangeReply>router(
            parts, replyTo -> new RouterProtocol.Move(promptId, where, replyTo))
        .thenApply(OperatorRoutes::answer);
  }

  private static HttpResponse answer(RouterProtocol.ChangeReply reply) {
    return switch (reply) {
      case RouterProtocol.Changed ignored -> Replies.empty(StatusCodes.OK);
      case RouterProtocol.NotWaiting not ->
          Replies.promptError(
              StatusCodes.NOT_FOUND,
              new PromptError(
                  "not_waiting",
                  "Prompt %s does not wait".formatted(not.promptId()),
                  "it runs, has ended, or was never posted; or the other prompt does not wait"),
              Json.object());
      case RouterProtocol.NoSuchGpu none ->
          Replies.promptError(
              new PromptError(
                  "invalid_target_gpu",
                  "There is no GPU " + none.gpuId(),
                  "the devices are " + none.gpus()),
              Json.object());
    };
  }

  private static CompletionStage<HttpResponse> wrong(PromptError error) {
    return CompletableFuture.completedFuture(Replies.promptError(error, Json.object()));
  }

  private CompletionStage<HttpResponse> drain(@Nullable JsonNode json) {
    RouterProtocol.DrainMode mode = null;
    if (json != null) {
      switch (json.path("mode").asText("running")) {
        case "running" -> mode = RouterProtocol.DrainMode.RUNNING;
        case "queue" -> mode = RouterProtocol.DrainMode.QUEUE;
        case "off" -> mode = RouterProtocol.DrainMode.OFF;
        default -> {
          return wrong(
              new PromptError(
                  "invalid_drain",
                  "'mode' is not understood",
                  "write \"running\", \"queue\" or \"off\""));
        }
      }
    }
    RouterProtocol.DrainMode wanted = mode;
    return Asking.<RouterProtocol.DrainState>router(
            parts, replyTo -> new RouterProtocol.Drain(wanted, replyTo))
        .thenApply(
            state ->
                Replies.json(
                    Json.object()
                        .put("mode", state.mode().name().toLowerCase(Locale.ROOT))
                        .put("running", state.running())
                        .put("waiting", state.waiting())
                        .put("done", state.done())));
  }
}
