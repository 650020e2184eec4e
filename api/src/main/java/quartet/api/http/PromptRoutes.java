package quartet.api.http;

import akka.actor.typed.DispatcherSelector;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.model.headers.RawHeader;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import quartet.api.auth.Principal;
import quartet.api.wire.Json;
import quartet.api.wire.PromptRequest;
import quartet.api.wire.TargetGpu;
import quartet.cluster.node.RouterProtocol;
import quartet.cluster.split.BatchSplit;
import quartet.cluster.split.SplitRun;
import quartet.engine.graph.PromptError;
import quartet.engine.graph.Validation;
import scala.concurrent.duration.FiniteDuration;

/** {@code POST /prompt} and {@code GET /prompt}. */
final class PromptRoutes extends AllDirectives {
  private static final FiniteDuration BODY_PATIENCE = FiniteDuration.create(60, TimeUnit.SECONDS);

  private static final int MAX_PARTS = 64;

  private final ServerParts parts;
  private final Executor blocking;
  private final Owned owned = new Owned();
  private final Quotas quotas;

  PromptRoutes(ServerParts parts) {
    this.parts = parts;
    this.quotas = new Quotas(parts);
    this.blocking = parts.system().dispatchers().lookup(DispatcherSelector.blocking());
  }

  Route route() {
    return path(
        "prompt",
        () ->
            concat(
                post(
                    () ->
                        optionalHeaderValueByName(
                            TargetGpu.HEADER,
                            header ->
                                extractStrictEntity(
                                    BODY_PATIENCE,
                                    body ->
                                        owned.as(
                                            who ->
                                                completeWithFuture(
                                                    submit(
                                                        who, header, body.getData().toArray())))))),
                get(() -> completeWithFuture(remaining()))));
  }

  private CompletionStage<HttpResponse> remaining() {
    return Asking.router(parts, RouterProtocol.Queues::new)
        .thenApply(
            gpus -> {
              int waiting =
                  gpus.stream().mapToInt(gpu -> gpu.pending().size() + gpu.underWay().size()).sum();
              ObjectNode body = Json.object();
              body.putObject("exec_info").put("queue_remaining", waiting);
              return Replies.json(body);
            });
  }

  private CompletionStage<HttpResponse> submit(
      Principal who, Optional<String> header, byte[] body) {
    return switch (target(header)) {
      case TargetGpu.Wrong wrong -> refused(wrong.error(), Json.object());
      case TargetGpu.Any ignored -> read(who, body, true, null, null);
      case TargetGpu.One one -> read(who, body, false, null, one.gpuId());
      case TargetGpu.Elsewhere there -> read(who, body, false, there.node(), there.gpuId());
    };
  }

  /** Only a prompt can go to a device of another server. */
  private TargetGpu.Parsed target(Optional<String> text) {
    return TargetGpu.parse(text, parts.gpuIds(), parts.fleet() == null ? null : parts.name());
  }

  /** Without the header, the body may name a device. */
  private CompletionStage<HttpResponse> read(
      Principal who,
      byte[] body,
      boolean orAsTheBodySays,
      @Nullable String node,
      @Nullable Integer gpuId) {
    PromptRequest request;
    try {
      request = PromptRequest.read(body);
    } catch (PromptRequest.Malformed e) {
      return refused(e.error(), Json.object());
    }
    Optional<String> inBody =
        orAsTheBodySays
            ? Optional.ofNullable(request.extraData().get("gpu")).map(JsonNode::asText)
            : Optional.empty();
    return switch (target(inBody)) {
      case TargetGpu.Wrong wrong -> refused(wrong.error(), Json.object());
      case TargetGpu.Any ignored -> submitTo(who, node, gpuId, request);
      case TargetGpu.One one -> submitTo(who, null, one.gpuId(), request);
      case TargetGpu.Elsewhere there -> submitTo(who, there.node(), there.gpuId(), request);
    };
  }

  private CompletionStage<HttpResponse> submitTo(
      Principal who, @Nullable String node, @Nullable Integer gpuId, PromptRequest request) {
    parts.local().tell(new RouterProtocol.Expect(request.promptId()));
    // Validation looks at folders, so it runs where blocking is allowed.
    return CompletableFuture.supplyAsync(
            () -> parts.validator().validate(request.prompt(), request.targets()), blocking)
        .thenCompose(
            validation ->
                switch (validation) {
                  case Validation.Invalid invalid -> refused(invalid.error(), invalid.nodeErrors());
                  case Validation.Ready ready -> {
                    PromptError unsplit = unsplit(gpuId, request, ready);
                    yield unsplit != null
                        ? refused(unsplit, Json.object())
                        : quotas.admit(who, () -> admit(who, node, gpuId, request, ready));
                  }
                });
  }

  /** Why a batch cannot be split as its client wants, or null. */
  private @Nullable PromptError unsplit(
      @Nullable Integer gpuId, PromptRequest request, Validation.Ready ready) {
    JsonNode field = request.extraData().path(BatchSplit.FIELD);
    if (field.isMissingNode() || field.isNull()) {
      return null;
    }
    int wanted = SplitRun.wanted(request.extraData(), parts.gpuIds().size());
    if (!(field.isBoolean() || field.isInt()) || wanted < 0 || wanted > MAX_PARTS) {
      return new PromptError(
          "invalid_split",
          "extra_data.split is not understood",
          "got %s; write the number of parts, up to %d, or true for one for each device"
              .formatted(field, MAX_PARTS));
    }
    if (wanted > 1 && gpuId != null) {
      return new PromptError(
          "cannot_split",
          "A batch cannot be split and run on one device",
          "leave out extra_data.split or the device");
    }
    return wanted > 1
            && BatchSplit.of(
                    request.promptId(), ready.plan().prompt(), ready.plan().outputs(), wanted)
                instanceof BatchSplit.Refused refused
        ? new PromptError(
            "cannot_split",
            "This prompt's batch cannot be split",
            refused.nodeId() == null
                ? refused.why()
                : "node %s (%s): %s"
                    .formatted(
                        refused.nodeId(),
                        ready.plan().prompt().path(refused.nodeId()).path("class_type").asText(),
                        refused.why()))
        : null;
  }

  private CompletionStage<HttpResponse> refused(PromptError error, ObjectNode nodeErrors) {
    parts.telemetry().rejected(error.type());
    parts.router().tell(new RouterProtocol.CountRefused());
    return CompletableFuture.completedFuture(Replies.promptError(error, nodeErrors));
  }

  private CompletionStage<HttpResponse> admit(
      Principal who,
      @Nullable String node,
      @Nullable Integer gpuId,
      PromptRequest request,
      Validation.Ready ready) {
    ObjectNode extraData = request.extraData().deepCopy();
    extraData.put("create_time", System.currentTimeMillis());
    Owned.sign(extraData, who);
    return Asking.<RouterProtocol.SubmitReply>router(
            parts,
            replyTo ->
                new RouterProtocol.Submit(
                    request.promptId(),
                    ready.plan().prompt(),
                    extraData,
                    ready.plan().outputs(),
                    checkpoints(ready.plan().prompt()),
                    request.clientId(),
                    node,
                    gpuId,
                    request.number(),
                    request.front(),
                    replyTo))
        .thenApply(
            reply -> {
              refusal(reply).ifPresent(parts.telemetry()::rejected);
              return answer(reply, ready.nodeErrors());
            });
  }

  private static Optional<String> refusal(RouterProtocol.SubmitReply reply) {
    return switch (reply) {
      case RouterProtocol.Accepted ignored -> Optional.empty();
      case RouterProtocol.QueueFull ignored -> Optional.of("queue_full");
      case RouterProtocol.Draining ignored -> Optional.of("draining");
      case RouterProtocol.IdTaken ignored -> Optional.of("invalid_prompt_id");
      case RouterProtocol.StorageAway ignored -> Optional.of("storage_unavailable");
      case RouterProtocol.NoSuchGpu ignored -> Optional.of("invalid_target_gpu");
      case RouterProtocol.NoSuchNode ignored -> Optional.of("invalid_target_gpu");
    };
  }

  private HttpResponse answer(RouterProtocol.SubmitReply reply, ObjectNode nodeErrors) {
    return switch (reply) {
      case RouterProtocol.Accepted accepted -> {
        ObjectNode body = Json.object().put("prompt_id", accepted.promptId());
        if (accepted.number() == Math.rint(accepted.number())) {
          body.put("number", (long) accepted.number());
        } else {
          body.put("number", accepted.number());
        }
        body.set("node_errors", nodeErrors);
        yield Replies.json(body);
      }
      case RouterProtocol.QueueFull full ->
          Replies.busy(
              new PromptError(
                  "queue_full",
                  full.gpuId() == null
                      ? "All queues are full"
                      : "The queue of GPU " + full.gpuId() + " is full",
                  "%d prompts run or wait; a new one would wait about %d s; try again in %d s"
                      .formatted(
                          full.waiting(),
                          Replies.wholeSeconds(full.expectedWait()),
                          Replies.wholeSeconds(full.retryAfter()))),
              full.retryAfter());
      case RouterProtocol.Draining ignored ->
          Replies.promptError(
                  StatusCodes.SERVICE_UNAVAILABLE,
                  new PromptError(
                      "draining",
                      "The server is being emptied before it stops, and takes no new prompts",
                      "post to another server, or again in a minute"),
                  Json.object())
              .addHeader(RawHeader.create("Retry-After", "60"));
      case RouterProtocol.IdTaken taken ->
          Replies.promptError(
              new PromptError(
                  "invalid_prompt_id",
                  "Another prompt has this prompt_id",
                  "'%s' was posted before with another prompt; leave prompt_id out or choose a new one"
                      .formatted(taken.promptId())),
              Json.object());
      case RouterProtocol.StorageAway away ->
          Replies.promptError(
                  StatusCodes.SERVICE_UNAVAILABLE,
                  new PromptError(
                      "storage_unavailable",
                      "The prompt cannot be stored, so it was not accepted",
                      away.reason()),
                  Json.object())
              .addHeader(RawHeader.create("Retry-After", "2"));
      case RouterProtocol.NoSuchGpu none ->
          Replies.promptError(
              new PromptError(
                  "invalid_target_gpu",
                  "There is no GPU " + none.gpuId(),
                  "the devices are " + none.gpus()),
              Json.object());
      case RouterProtocol.NoSuchNode none ->
          Replies.promptError(
              new PromptError(
                  "invalid_target_gpu",
                  "There is no server '%s' in the cluster that answers".formatted(none.node()),
                  "the servers are " + none.nodes()),
              Json.object());
    };
  }

  private static Set<String> checkpoints(ObjectNode prompt) {
    return StreamSupport.stream(prompt.spliterator(), false)
        .map(node -> node.path("inputs").path("ckpt_name").asText())
        .filter(name -> !name.isEmpty())
        .collect(Collectors.toSet());
  }
}
