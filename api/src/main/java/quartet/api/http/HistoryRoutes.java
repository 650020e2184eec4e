package quartet.api.http;

import akka.Done;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import quartet.api.auth.Principal;
import quartet.api.wire.HistoryJson;
import quartet.api.wire.Json;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.node.RouterProtocol;
import scala.concurrent.duration.FiniteDuration;

/** {@code /history}. */
final class HistoryRoutes extends AllDirectives {
  private static final FiniteDuration BODY_PATIENCE = FiniteDuration.create(10, TimeUnit.SECONDS);

  private final ServerParts parts;
  private final Owned owned = new Owned();

  HistoryRoutes(ServerParts parts) {
    this.parts = parts;
  }

  Route route() {
    return concat(
        path(
            PathMatchers.segment("history").slash(PathMatchers.segment()),
            promptId ->
                get(
                    () ->
                        owned.as(
                            who ->
                                completeWithFuture(
                                    Owned.find(parts, who, promptId)
                                        .thenApply(
                                            found ->
                                                Replies.json(
                                                    HistoryJson.of(found.stream().toList()))))))),
        path(
            "history",
            () ->
                concat(
                    get(
                        () ->
                            parameterOptional(
                                "max_items",
                                max -> parameterOptional("offset", offset -> list(max, offset)))),
                    post(this::change))));
  }

  private Route list(Optional<String> max, Optional<String> offset) {
    int from;
    int count;
    try {
      from = offset.map(Integer::parseInt).orElse(-1);
      count = max.map(Integer::parseInt).orElse(-1);
    } catch (NumberFormatException e) {
      return complete(
          Replies.text(StatusCodes.BAD_REQUEST, "max_items and offset must be whole numbers"));
    }
    return owned.as(
        who ->
            completeWithFuture(
                Owned.history(parts, who)
                    .thenApply(
                        records -> Replies.json(HistoryJson.of(page(records, from, count))))));
  }

  /** Without an offset the newest, with one from the oldest on. */
  static List<PromptRecord> page(List<PromptRecord> records, int offset, int count) {
    int start = offset >= 0 ? offset : count >= 0 ? records.size() - count : 0;
    int first = Math.clamp(start, 0, records.size());
    int last = count >= 0 ? Math.min(records.size(), first + count) : records.size();
    return records.subList(first, last);
  }

  private Route change() {
    return owned.as(this::change);
  }

  private Route change(Principal who) {
    return extractStrictEntity(
        BODY_PATIENCE,
        entity -> {
          try {
            JsonNode json = Json.parse(entity.getData().toArray());
            List<CompletionStage<Done>> forgotten = new ArrayList<>();
            if (json.path("clear").asBoolean(false)) {
              forgotten.add(forget(who, null));
            }
            if (json.path("delete").isArray()) {
              Set<String> ids = new LinkedHashSet<>();
              json.get("delete").forEach(id -> ids.add(id.asText()));
              forgotten.add(forget(who, ids));
            }
            CompletionStage<HttpResponse> answer =
                CompletableFuture.allOf(
                        forgotten.stream()
                            .map(CompletionStage::toCompletableFuture)
                            .toArray(CompletableFuture[]::new))
                    .thenApply(done -> Replies.empty(StatusCodes.OK));
            return completeWithFuture(answer);
          } catch (JsonProcessingException e) {
            return complete(
                Replies.text(
                    StatusCodes.BAD_REQUEST,
                    "the body is not valid JSON: " + e.getOriginalMessage()));
          }
        });
  }

  /** Gone for good when this is done. */
  private CompletionStage<Done> forget(Principal who, @Nullable Set<String> ids) {
    if (!who.seesAll()) {
      return Owned.history(parts, who)
          .thenCompose(
              records -> {
                Set<String> own = new LinkedHashSet<>();
                records.forEach(record -> own.add(record.job().promptId()));
                if (ids != null) {
                  own.retainAll(ids);
                }
                return Asking.router(
                    parts, replyTo -> new RouterProtocol.ForgetHistory(own, replyTo));
              });
    }
    return Asking.router(parts, replyTo -> new RouterProtocol.ForgetHistory(ids, replyTo));
  }
}
