package quartet.api.webhook;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.api.outbox.Disk;
import quartet.api.wire.Json;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.node.RouterProtocol;
import quartet.engine.exec.ExecutionOutcome;

/**
 * Posts the end of every prompt to one address. A message is written to a file before it is sent
 * and deleted after it was taken (any 2xx), so it outlives restarts; it may arrive twice, and
 * {@code X-Quartet-Delivery} tells.
 */
public final class WebhookActor extends AbstractBehavior<WebhookActor.Command> {
  private static final Logger LOG = LoggerFactory.getLogger(WebhookActor.class);
  private static final Duration ANSWER_PATIENCE = Duration.ofSeconds(20);
  private static final int AT_ONCE = 8;

  /** What it tells itself. */
  public sealed interface Command {}

  private record Happened(PromptEvent event) implements Command {}

  private record Found(List<String> ids) implements Command {}

  private record Due(String id) implements Command {}

  private record Tried(String id, int status, @Nullable Throwable failure) implements Command {}

  private final WebhookOptions options;
  private final PendingMessages pending;
  private final TimerScheduler<Command> timers;
  private final Clock clock;
  private final Disk disk;
  private final HttpClient http = HttpClient.newBuilder().connectTimeout(ANSWER_PATIENCE).build();
  private final Map<String, Integer> attempts = new HashMap<>();
  private final Map<String, Long> since = new HashMap<>();
  private final Deque<String> due = new ArrayDeque<>();
  private int underWay;

  /** The actor; it watches the router from its start on. */
  public static Behavior<Command> create(
      WebhookOptions options, ActorRef<RouterProtocol.Command> router, Clock clock) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new WebhookActor(context, timers, options, router, clock)));
  }

  private WebhookActor(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      WebhookOptions options,
      ActorRef<RouterProtocol.Command> router,
      Clock clock) {
    super(context);
    this.options = options;
    this.pending = new PendingMessages(options.folder());
    this.timers = timers;
    this.clock = clock;
    this.disk = new Disk(context.getSystem().dispatchers().lookup(DispatcherSelector.blocking()));
    router.tell(new RouterProtocol.Watch(context.messageAdapter(PromptEvent.class, Happened::new)));
    context.pipeToSelf(
        disk.run(pending::all),
        (ids, failure) -> {
          if (failure != null) {
            LOG.error("webhooks from before cannot be read: {}", failure.toString());
          }
          return new Found(ids == null ? List.of() : ids);
        });
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Happened.class, this::onHappened)
        .onMessage(Found.class, this::onFound)
        .onMessage(Due.class, this::onDue)
        .onMessage(Tried.class, this::onTried)
        .onSignal(
            PostStop.class,
            signal -> {
              http.close();
              return this;
            })
        .build();
  }

  private Behavior<Command> onHappened(Happened message) {
    if (message.event() instanceof PromptEvent.Ended ended) {
      String id = ended.job().promptId();
      byte[] body = Json.bytes(body(ended));
      since.put(id, clock.millis());
      getContext()
          .pipeToSelf(
              disk.run(
                  () -> {
                    pending.put(id, body);
                    return id;
                  }),
              (done, failure) -> failure == null ? new Due(id) : new Tried(id, 0, failure));
    }
    return this;
  }

  /** What is told: enough to fetch the pictures, nothing of the prompt itself. */
  private static ObjectNode body(PromptEvent.Ended ended) {
    ObjectNode json = Json.object().put("event", "prompt_ended");
    json.put("prompt_id", ended.job().promptId()).put("client_id", ended.job().clientId());
    json.put("gpu_id", ended.gpuId()).put("ended", ended.timestampMillis());
    json.put(
        "status",
        switch (ended.outcome()) {
          case ExecutionOutcome.Succeeded ignored -> "success";
          case ExecutionOutcome.Failed ignored -> "error";
          case ExecutionOutcome.Interrupted ignored -> "interrupted";
        });
    if (ended.outcome() instanceof ExecutionOutcome.Failed failed) {
      json.put("error", failed.message());
    }
    ObjectNode outputs = json.putObject("outputs");
    ended.outcome().shown().forEach(outputs::set);
    return json;
  }

  private Behavior<Command> onFound(Found message) {
    message.ids().forEach(id -> since.putIfAbsent(id, clock.millis()));
    message.ids().forEach(id -> getContext().getSelf().tell(new Due(id)));
    return this;
  }

  private Behavior<Command> onDue(Due message) {
    due.add(message.id());
    next();
    return this;
  }

  private void next() {
    while (underWay < AT_ONCE && !due.isEmpty()) {
      underWay++;
      send(due.remove());
    }
  }

  private void send(String id) {
    getContext()
        .pipeToSelf(
            disk.run(() -> pending.get(id))
                .thenCompose(
                    body -> {
                      long timestamp = clock.millis() / 1000;
                      HttpRequest request =
                          HttpRequest.newBuilder(options.target())
                              .timeout(ANSWER_PATIENCE)
                              .header("Content-Type", "application/json")
                              .header("X-Quartet-Delivery", id)
                              .header("X-Quartet-Timestamp", Long.toString(timestamp))
                              .header(
                                  "X-Quartet-Signature",
                                  "sha256=" + Signature.of(options.secret(), timestamp, body))
                              .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                              .build();
                      return http.sendAsync(request, HttpResponse.BodyHandlers.discarding());
                    }),
            (answer, failure) -> new Tried(id, answer == null ? 0 : answer.statusCode(), failure));
  }

  private Behavior<Command> onTried(Tried message) {
    String id = message.id();
    underWay = Math.max(0, underWay - 1);
    if (message.status() / 100 == 2) {
      forget(id);
      done(id, () -> pending.delivered(id));
    } else {
      int attempt = attempts.merge(id, 1, Integer::sum);
      String why =
          message.failure() == null
              ? "it answered " + message.status()
              : String.valueOf(message.failure());
      long age = clock.millis() - since.getOrDefault(id, clock.millis());
      if (age >= options.giveUp().toMillis()) {
        LOG.error("❌ The end of prompt {} could not be told to {}: {}", id, options.target(), why);
        forget(id);
        done(id, () -> pending.givenUp(id));
      } else {
        Duration pause = options.first().multipliedBy(1L << Math.min(attempt - 1, 20));
        pause = pause.compareTo(options.longest()) > 0 ? options.longest() : pause;
        if (attempt == 1) {
          LOG.warn("⚠️ {} did not take the end of prompt {}: {}", options.target(), id, why);
        }
        timers.startSingleTimer(id, new Due(id), pause);
      }
    }
    next();
    return this;
  }

  private void forget(String id) {
    attempts.remove(id);
    since.remove(id);
  }

  private interface DiskAction {
    void run() throws IOException;
  }

  private void done(String id, DiskAction action) {
    CompletableFuture<Boolean> done =
        disk.run(
            () -> {
              action.run();
              return true;
            });
    done.exceptionally(
        failure -> {
          LOG.warn("the message about prompt {} stays on disk: {}", id, failure.toString());
          return false;
        });
  }
}
