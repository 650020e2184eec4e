package quartet.api.http;

import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.regex.Pattern;
import quartet.api.auth.Principal;
import quartet.api.wire.JobJson;
import quartet.api.wire.Json;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.node.RouterProtocol;

/** {@code /api/jobs}: queue and history in one list, as today's front end reads them. */
final class JobRoutes extends AllDirectives {
  private static final Pattern UUID =
      Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");

  private final ServerParts parts;
  private final Bodies bodies = new Bodies();
  private final Owned owned = new Owned();

  JobRoutes(ServerParts parts) {
    this.parts = parts;
  }

  /** To be mounted below {@code /api} only. */
  Route route() {
    return pathPrefix(
        "jobs",
        () ->
            concat(
                pathEnd(() -> get(() -> owned.as(who -> parameterMap(query -> list(who, query))))),
                path(
                    "cancel",
                    () -> post(() -> owned.as(who -> bodies.json(json -> cancelSome(who, json))))),
                path(
                    PathMatchers.segment().slash("cancel"),
                    id -> post(() -> owned.as(who -> completeWithFuture(cancel(who, Set.of(id)))))),
                path(
                    PathMatchers.segment(),
                    id -> get(() -> owned.as(who -> completeWithFuture(detail(who, id)))))));
  }

  private Route list(Principal who, Map<String, String> query) {
    JobQuery wanted;
    try {
      wanted = JobQuery.of(query);
    } catch (JobQuery.Wrong e) {
      return complete(wrong(String.valueOf(e.getMessage())));
    }
    // The history is asked after the queues: a job that ends between is seen twice, not never.
    return completeWithFuture(
        Owned.queues(parts, who)
            .thenCompose(
                gpus ->
                    Owned.history(parts, who)
                        .thenApply(
                            history ->
                                Replies.json(
                                    wanted.page(JobJson.of(open(gpus, history), history))))));
  }

  /** Without those that have ended in the meantime. */
  private static List<GpuSnapshot> open(List<GpuSnapshot> gpus, List<PromptRecord> history) {
    Set<String> ended = new LinkedHashSet<>();
    history.forEach(record -> ended.add(record.job().promptId()));
    return gpus.stream().map(gpu -> gpu.without(ended)).toList();
  }

  private static HttpResponse wrong(String why) {
    return Replies.json(StatusCodes.BAD_REQUEST, Json.object().put("error", why));
  }

  private CompletionStage<HttpResponse> detail(Principal who, String id) {
    return Owned.queues(parts, who)
        .thenCompose(
            gpus ->
                Owned.find(parts, who, id)
                    .thenApply(
                        record ->
                            record
                                .map(JobJson::detail)
                                .or(() -> openDetail(gpus, id))
                                .map(Replies::json)
                                .orElseGet(
                                    () ->
                                        Replies.json(
                                            StatusCodes.NOT_FOUND,
                                            Json.object().put("error", "Job not found")))));
  }

  private static Optional<ObjectNode> openDetail(List<GpuSnapshot> gpus, String id) {
    for (GpuSnapshot gpu : gpus) {
      for (PromptJob job : gpu.underWay()) {
        if (job.promptId().equals(id)) {
          return Optional.of(JobJson.detail(JobJson.open(job, JobJson.Status.IN_PROGRESS), job));
        }
      }
      for (PromptJob job : gpu.pending()) {
        if (job.promptId().equals(id)) {
          return Optional.of(JobJson.detail(JobJson.open(job, JobJson.Status.PENDING), job));
        }
      }
    }
    return Optional.empty();
  }

  private Route cancelSome(Principal who, JsonNode json) {
    JsonNode ids = json.path("job_ids");
    if (!ids.isArray()) {
      return complete(wrong("job_ids must be a list"));
    }
    Set<String> wanted = new LinkedHashSet<>();
    ObjectNode error = Json.object().put("error", "these are no job ids");
    var invalid = error.putArray("invalid_ids");
    for (JsonNode id : ids) {
      if (id.isTextual() && UUID.matcher(id.textValue()).matches()) {
        wanted.add(id.textValue());
      } else {
        invalid.add(id);
      }
    }
    return invalid.isEmpty()
        ? completeWithFuture(cancel(who, wanted))
        : complete(Replies.json(StatusCodes.BAD_REQUEST, error));
  }

  private CompletionStage<HttpResponse> cancel(Principal who, Set<String> ids) {
    return Owned.queues(parts, who)
        .thenApply(
            gpus -> {
              Set<String> found = new LinkedHashSet<>(Owned.pending(gpus));
              found.addAll(Owned.running(gpus));
              found.retainAll(ids);
              if (!found.isEmpty()) {
                // Waiting ones first: one that starts in between is then interrupted.
                parts.router().tell(new RouterProtocol.DeletePending(found));
                found.forEach(id -> parts.router().tell(new RouterProtocol.Interrupt(id, null)));
              }
              return Replies.json(Json.object().put("cancelled", !found.isEmpty()));
            });
  }
}
