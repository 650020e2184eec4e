package quartet.api.http;

import akka.http.javadsl.model.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import quartet.api.auth.Principal;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.engine.graph.PromptError;

/**
 * How many prompts each key may have waiting and running at once. Prompts on their way in count, so
 * that many at once do not slip through together.
 */
final class Quotas {
  private static final Duration TRY_AGAIN = Duration.ofSeconds(1);
  private static final String REASON = "quota_reached";

  private final ServerParts parts;
  private final Map<String, Integer> onTheirWay = new ConcurrentHashMap<>();

  Quotas(ServerParts parts) {
    this.parts = parts;
  }

  /** Lets a prompt in if its key has room for it; otherwise 429. */
  CompletionStage<HttpResponse> admit(
      Principal who, Supplier<CompletionStage<HttpResponse>> submit) {
    if (who.quota() == 0) {
      return submit.get();
    }
    int mine = onTheirWay.merge(who.name(), 1, Integer::sum);
    return Owned.queues(parts, who)
        .thenCompose(
            gpus -> {
              long open = gpus.stream().mapToLong(gpu -> own(gpu, who)).sum();
              return open + mine > who.quota()
                  ? CompletableFuture.completedFuture(full(who, open))
                  : submit.get();
            })
        .whenComplete((answer, failure) -> onTheirWay.merge(who.name(), -1, Integer::sum));
  }

  private static long own(GpuSnapshot gpu, Principal who) {
    return java.util.stream.Stream.concat(gpu.underWay().stream(), gpu.pending().stream())
        .filter(job -> Principal.ownerOf(job).equals(who.name()))
        .count();
  }

  private HttpResponse full(Principal who, long open) {
    parts.telemetry().rejected(REASON);
    return Replies.busy(
        new PromptError(
            REASON,
            "The key '%s' has as many prompts as it may".formatted(who.name()),
            "%d of %d wait or run; try again when one has ended".formatted(open, who.quota())),
        TRY_AGAIN);
  }
}
