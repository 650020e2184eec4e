package quartet.api.ws;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.api.auth.Principal;
import quartet.api.wire.EventJson;
import quartet.api.wire.Json;
import quartet.api.wire.NodeIds;
import quartet.api.ws.Outgoing.Rank;
import quartet.api.ws.PreviewFrames.Kind;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.cluster.node.RouterProtocol;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.node.ClientMessage;
import quartet.errors.Required;

/**
 * Knows who listens and sends each event to whom it belongs: {@code status} to all, a prompt's
 * events to the client that posted it. Progress of a prompt without a client goes to all. Of what a
 * client misses only results and ends are kept, for seconds ({@link MissedEnds}).
 *
 * <p>A prompt's first events wait {@link #ANSWER_FIRST}: a prompt whose results are cached ends
 * within a millisecond, and clients begin to listen for a prompt when they have read the answer to
 * its POST, which comes over another connection.
 *
 * <p>A slow reader never slows anybody: each connection has a bounded {@link Outbox}, whose rule
 * says what is dropped.
 */
public final class SocketHub extends AbstractBehavior<SocketHub.Command> {
  /** What it understands. */
  public sealed interface Command {}

  /**
   * A client is there.
   *
   * @param sid the client's id; a later connection of the same id takes over
   */
  public record Connected(Principal who, String sid, Outbox outbox) implements Command {}

  /** A connection is gone; another one of the same id stays. */
  public record Disconnected(Principal who, String sid, Outbox outbox) implements Command {}

  /** A picture of a node that samples. */
  @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
  public record Preview(PromptJob job, String nodeId, byte[] jpeg) implements Command {}

  /**
   * A client wants to see the log, or no longer.
   *
   * @param sid its {@link Principal#address}
   */
  public record WatchLog(String sid, boolean wanted) implements Command {}

  /** New lines of the log, as the {@code logs} event shows them. */
  public record LogLines(ObjectNode data) implements Command {}

  private record Event(PromptEvent event) implements Command {}

  private record Listener(Principal who, Outbox outbox) {}

  private record Release(String promptId) implements Command {}

  /** How long the events of a prompt that starts at once wait for its client to listen. */
  private static final Duration ANSWER_FIRST = Duration.ofMillis(30);

  /** A prompt that waited longer than this was answered long ago. */
  private static final long AT_ONCE_MILLIS = 1000;

  private final Audience audience;
  private final TimerScheduler<Command> timers;
  private final Clock clock;
  private final MissedEnds missed = new MissedEnds();

  /** Events of prompts whose client may not listen yet, by prompt id. */
  private final Map<String, List<Runnable>> held = new HashMap<>();

  private final Map<String, Listener> clients = new HashMap<>();
  private final Set<String> logWatchers = new HashSet<>();
  private final Map<String, PromptProgress> prompts = new HashMap<>();
  private int remaining;

  /**
   * The actor; it watches the front actor's events.
   *
   * @param audience is told who is connected
   */
  public static Behavior<Command> create(
      ActorRef<RouterProtocol.Command> router, Audience audience, Clock clock) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new SocketHub(context, timers, router, audience, clock)));
  }

  private SocketHub(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      ActorRef<RouterProtocol.Command> router,
      Audience audience,
      Clock clock) {
    super(context);
    this.timers = timers;
    this.audience = audience;
    this.clock = clock;
    router.tell(new RouterProtocol.Watch(context.messageAdapter(PromptEvent.class, Event::new)));
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Connected.class, this::onConnected)
        .onMessage(Disconnected.class, this::onDisconnected)
        .onMessage(Event.class, message -> onEvent(message.event()))
        .onMessage(Release.class, this::onRelease)
        .onMessage(Preview.class, this::onPreview)
        .onMessage(WatchLog.class, this::onWatchLog)
        .onMessage(LogLines.class, this::onLogLines)
        .build();
  }

  private Behavior<Command> onConnected(Connected message) {
    String address = message.who().address(message.sid());
    clients.put(address, new Listener(message.who(), message.outbox()));
    audience.joined(address);
    ObjectNode status = EventJson.status(remaining).put("sid", message.sid());
    message.outbox().put(Outgoing.event(Rank.END, "sid", EventJson.event("status", status)));
    prompts.values().stream()
        .filter(prompt -> address.equals(address(prompt.job())))
        .flatMap(prompt -> prompt.currentNode().stream())
        .map(node -> EventJson.event("executing", Json.object().put("node", node)))
        .forEach(event -> message.outbox().put(Outgoing.event(Rank.STORY, "executing", event)));
    missed.take(address, clock.millis()).forEach(message.outbox()::put);
    return this;
  }

  private Behavior<Command> onDisconnected(Disconnected message) {
    String address = message.who().address(message.sid());
    if (clients.remove(address, new Listener(message.who(), message.outbox()))) {
      audience.left(address);
      logWatchers.remove(address);
    }
    return this;
  }

  private void holdIfYoung(PromptEvent.Started started) {
    PromptJob job = started.job();
    boolean atOnce = started.timestampMillis() - job.accepted().toEpochMilli() < AT_ONCE_MILLIS;
    if (atOnce && job.clientId() != null) {
      held.put(job.promptId(), new ArrayList<>());
      timers.startSingleTimer(job.promptId(), new Release(job.promptId()), ANSWER_FIRST);
    }
  }

  private Behavior<Command> onRelease(Release message) {
    List<Runnable> events = held.remove(message.promptId());
    if (events != null) {
      events.forEach(Runnable::run);
    }
    return this;
  }

  /**
   * A picture says which node it shows only in frames with metadata, so those may come until the
   * prompt's end. One without belongs to whatever node runs and is dropped when its own has ended.
   */
  private Behavior<Command> onPreview(Preview preview) {
    PromptJob job = preview.job();
    PromptProgress prompt = prompts.get(job.promptId());
    if (prompt != null) {
      boolean runs = prompt.currentNode().equals(Optional.of(preview.nodeId()));
      whenHeard(job, () -> show(preview, runs));
    }
    return this;
  }

  private void show(Preview preview, boolean runs) {
    PromptJob job = preview.job();
    String key = "preview/" + job.promptId();
    byte[] rich = PreviewFrames.withMetadata(job, preview.nodeId(), Kind.JPEG, preview.jpeg());
    byte[] plain = PreviewFrames.plain(Kind.JPEG, preview.jpeg());
    for (Outbox outbox : hearers(job)) {
      if (outbox.takesMetadata()) {
        outbox.put(Outgoing.preview(key, rich));
      } else if (runs) {
        outbox.put(Outgoing.preview(key, plain));
      }
    }
  }

  private Behavior<Command> onWatchLog(WatchLog message) {
    if (message.wanted() && clients.containsKey(message.sid())) {
      logWatchers.add(message.sid());
    } else {
      logWatchers.remove(message.sid());
    }
    return this;
  }

  private Behavior<Command> onLogLines(LogLines message) {
    Outgoing lines = Outgoing.event(Rank.STORY, "logs", EventJson.event("logs", message.data()));
    logWatchers.forEach(sid -> Required.in(clients, sid).outbox().put(lines));
    return this;
  }

  private Behavior<Command> onEvent(PromptEvent event) {
    switch (event) {
      case PromptEvent.QueueChanged changed -> {
        remaining = changed.remaining();
        Outgoing status =
            Outgoing.event(
                Rank.FIGURE, "status", EventJson.event("status", EventJson.status(remaining)));
        clients.values().forEach(client -> client.outbox().put(status));
      }
      case PromptEvent.Started started -> {
        prompts.put(started.job().promptId(), new PromptProgress(started.job()));
        holdIfYoung(started);
        toClient(
            started.job(),
            Rank.STORY,
            "execution_start",
            EventJson.start(started.job().promptId(), started.timestampMillis()));
      }
      case PromptEvent.Cached cached ->
          toClient(
              cached.job(),
              Rank.STORY,
              "execution_cached",
              EventJson.cached(
                  cached.job().promptId(), cached.nodeIds(), cached.timestampMillis()));
      case PromptEvent.NodeStarted node -> {
        progress(node.job()).started(node.nodeId());
        toClientOrAll(node.job(), Rank.FIGURE, "progress_state", progress(node.job()).json());
        toClient(node.job(), Rank.STORY, "executing", executing(node.job(), node.nodeId()));
      }
      case PromptEvent.Progress step -> {
        progress(step.job()).at(step.nodeId(), step.value(), step.max());
        ObjectNode data = Json.object().put("value", step.value()).put("max", step.max());
        data.put("prompt_id", step.job().promptId()).put("node", step.nodeId());
        toClientOrAll(step.job(), Rank.FIGURE, "progress", data);
        toClientOrAll(step.job(), Rank.FIGURE, "progress_state", progress(step.job()).json());
      }
      case PromptEvent.NodeFinished node -> onNodeFinished(node);
      case PromptEvent.Message told -> onMessage(told.job(), told.nodeId(), told.message());
      case PromptEvent.Ended ended ->
          onEnded(
              ended,
              EventJson.endType(ended.outcome()),
              EventJson.end(ended.job(), ended.outcome(), ended.timestampMillis()));
      case PromptEvent.Closed closed -> {
        prompts.remove(closed.job().promptId());
        ObjectNode data = Json.object();
        data.putNull("node").put("prompt_id", closed.job().promptId());
        toClient(closed.job(), Rank.END, "executing", data);
      }
    }
    return this;
  }

  /** An interruption is told like progress, to all if the prompt has no client. */
  private void onEnded(PromptEvent.Ended ended, String type, ObjectNode data) {
    switch (ended.outcome()) {
      case ExecutionOutcome.Interrupted ignored -> toClientOrAll(ended.job(), Rank.END, type, data);
      case ExecutionOutcome.Succeeded ignored -> toClient(ended.job(), Rank.END, type, data);
      case ExecutionOutcome.Failed ignored -> toClient(ended.job(), Rank.END, type, data);
    }
  }

  private void onNodeFinished(PromptEvent.NodeFinished node) {
    if (!node.cached()) {
      progress(node.job()).finished(node.nodeId());
    }
    if (node.ui() != null || node.cached()) {
      ObjectNode data = Json.object().put("node", node.nodeId());
      data.put("display_node", NodeIds.of(node.job().prompt(), node.nodeId()).real());
      if (node.ui() == null) {
        data.putNull("output");
      } else {
        data.set("output", node.ui());
      }
      toClient(node.job(), Rank.END, "executed", data.put("prompt_id", node.job().promptId()));
    }
    if (!node.cached()) {
      toClientOrAll(node.job(), Rank.FIGURE, "progress_state", progress(node.job()).json());
    }
  }

  /** Whole pictures are results, so a slow reader loses none; text goes to the prompt's client. */
  private void onMessage(PromptJob job, String nodeId, ClientMessage message) {
    switch (message) {
      case ClientMessage.Picture picture -> {
        byte[] plain = PreviewFrames.plain(Kind.PNG, picture.png());
        byte[] rich = PreviewFrames.withMetadata(job, nodeId, Kind.PNG, picture.png());
        whenHeard(
            job,
            () ->
                hearers(job)
                    .forEach(
                        outbox ->
                            outbox.put(
                                Outgoing.frame(
                                    Rank.END,
                                    "picture/" + nodeId,
                                    outbox.takesMetadata() ? rich : plain))));
      }
      case ClientMessage.Text text -> {
        Outgoing frame =
            Outgoing.frame(Rank.STORY, "text/" + nodeId, PreviewFrames.text(nodeId, text.text()));
        whenHeard(job, () -> hearers(job).forEach(outbox -> outbox.put(frame)));
      }
      case ClientMessage.NotRun notRun ->
          toClient(
              job,
              Rank.STORY,
              "execution_error",
              EventJson.blocked(
                  job.promptId(),
                  NodeIds.of(job.prompt(), nodeId).real(),
                  notRun.nodeType(),
                  notRun.message()));
    }
  }

  private PromptProgress progress(PromptJob job) {
    return prompts.computeIfAbsent(job.promptId(), id -> new PromptProgress(job));
  }

  private static ObjectNode executing(PromptJob job, String nodeId) {
    return Json.object()
        .put("node", nodeId)
        .put("display_node", NodeIds.of(job.prompt(), nodeId).real())
        .put("prompt_id", job.promptId());
  }

  private void toClient(PromptJob job, Rank rank, String type, ObjectNode data) {
    if (job.clientId() != null) {
      send(job, outgoing(job, rank, type, data));
    }
  }

  private void toClientOrAll(PromptJob job, Rank rank, String type, ObjectNode data) {
    send(job, outgoing(job, rank, type, data));
  }

  private void send(PromptJob job, Outgoing message) {
    whenHeard(job, () -> deliver(job, message));
  }

  private void whenHeard(PromptJob job, Runnable sending) {
    List<Runnable> waiting = held.get(job.promptId());
    if (waiting == null) {
      sending.run();
    } else {
      waiting.add(sending);
    }
  }

  private void deliver(PromptJob job, Outgoing message) {
    Collection<Outbox> hearers = hearers(job);
    hearers.forEach(outbox -> outbox.put(message));
    @Nullable String address = address(job);
    if (hearers.isEmpty() && address != null) {
      missed.keep(address, message, clock.millis());
    }
  }

  /** The prompt's client; everybody who may know of it if it has none. */
  private Collection<Outbox> hearers(PromptJob job) {
    @Nullable String address = address(job);
    if (address == null) {
      return clients.values().stream()
          .filter(client -> client.who().sees(job))
          .map(Listener::outbox)
          .toList();
    }
    @Nullable Listener client = clients.get(address);
    return client == null ? List.of() : List.of(client.outbox());
  }

  /** Where a prompt's client listens; null if it has none. */
  static @Nullable String address(PromptJob job) {
    return job.clientId() == null
        ? null
        : Principal.address(Principal.ownerOf(job), job.clientId());
  }

  /** Progress of different nodes is told apart: the last figure of each node arrives. */
  private static Outgoing outgoing(PromptJob job, Rank rank, String type, ObjectNode data) {
    String key = type + "/" + job.promptId() + "/" + data.path("node").asText();
    return Outgoing.event(rank, key, EventJson.event(type, data));
  }
}
