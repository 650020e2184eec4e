package quartet.cluster.node;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.MailboxSelector;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.gpu.GpuActor;
import quartet.cluster.gpu.GpuSettings;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptLife;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.job.PromptStore;
import quartet.cluster.journal.JournalProtocol;
import quartet.cluster.placement.GpuLoad;
import quartet.cluster.placement.Placement;
import quartet.errors.Required;

/**
 * The front actor of a server: admits prompts, has them stored, places them, and passes on what
 * happens.
 *
 * <p>A prompt is answered for after it is in the journal. All events go through here, so whoever
 * watches hears them in order, and a prompt's end is stored before it is told. When the journal's
 * database is away, new prompts are refused; ends are told all the same and stored later.
 */
public final class PromptRouter extends AbstractBehavior<RouterProtocol.Command> {
  private static final Logger LOG = LoggerFactory.getLogger(PromptRouter.class);
  private static final Duration ASK_PATIENCE = Duration.ofSeconds(5);
  private static final Duration EXPIRE_EVERY = Duration.ofMinutes(10);

  /** What it tells itself. */
  sealed interface Internal extends RouterProtocol.Command {}

  private record FromGpu(GpuActor.Report report) implements Internal {}

  private record AcceptStored(
      RouterProtocol.Submit request, String promptId, JournalProtocol.Answer answer)
      implements Internal {}

  private record Submitted(
      RouterProtocol.Submit request,
      String promptId,
      int gpuId,
      Set<Integer> tried,
      GpuActor.@Nullable SubmitReply reply)
      implements Internal {}

  private record EndStored(PromptEvent.Ended event, PromptRecord record, boolean stored)
      implements Internal {}

  private record Asked(
      ActorRef<List<GpuSnapshot>> replyTo,
      @Nullable List<GpuSnapshot> answers,
      @Nullable Throwable failure)
      implements Internal {}

  private record WarmUpsEnded(ActorRef<List<String>> replyTo, List<String> failures)
      implements Internal {}

  private record Expire() implements Internal {}

  private final Clock clock;
  private final PromptStore store;
  private final ActorRef<JournalProtocol.Command> journal;
  private final Retention retention;
  private final GpuGroup gpus;
  private final Map<Integer, GpuLoad> reported = new TreeMap<>();
  private final OpenPrompts open = new OpenPrompts();
  private final EventOrder order = new EventOrder();
  private final Set<ActorRef<PromptEvent>> watchers = new LinkedHashSet<>();
  private long counter;
  private int remaining;

  /** The actor and, below it, one actor per device. */
  public static Behavior<RouterProtocol.Command> create(
      List<GpuSettings> devices,
      PromptStore store,
      ActorRef<JournalProtocol.Command> journal,
      Retention retention,
      Clock clock) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers ->
                    new PromptRouter(context, timers, devices, store, journal, retention, clock)));
  }

  private PromptRouter(
      ActorContext<RouterProtocol.Command> context,
      TimerScheduler<RouterProtocol.Command> timers,
      List<GpuSettings> devices,
      PromptStore store,
      ActorRef<JournalProtocol.Command> journal,
      Retention retention,
      Clock clock) {
    super(context);
    this.clock = clock;
    this.store = store;
    this.journal = journal;
    this.retention = retention;
    this.gpus = new GpuGroup(context.getSystem());
    ActorRef<GpuActor.Report> reports = context.messageAdapter(GpuActor.Report.class, FromGpu::new);
    for (GpuSettings device : devices) {
      gpus.add(
          device.gpuId(),
          context.spawn(
              GpuActor.create(device, clock, reports),
              "gpu-" + device.gpuId(),
              MailboxSelector.fromConfig("quartet.gpu-mailbox")));
      reported.put(
          device.gpuId(),
          new GpuLoad(device.gpuId(), 0, device.queueCapacity(), Set.of(), Duration.ZERO));
      LOG.info("🚀 Started worker thread for GPU {}", device.gpuId());
    }
    timers.startTimerWithFixedDelay(new Expire(), EXPIRE_EVERY);
  }

  @Override
  public Receive<RouterProtocol.Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(RouterProtocol.Submit.class, this::onSubmit)
        .onMessage(AcceptStored.class, this::onAcceptStored)
        .onMessage(Submitted.class, this::onSubmitted)
        .onMessage(RouterProtocol.Restore.class, this::onRestore)
        .onMessage(FromGpu.class, this::onReport)
        .onMessage(EndStored.class, this::onEndStored)
        .onMessage(RouterProtocol.CountRefused.class, message -> count())
        .onMessage(RouterProtocol.Queues.class, this::onQueues)
        .onMessage(RouterProtocol.Find.class, this::onFind)
        .onMessage(RouterProtocol.History.class, this::onHistory)
        .onMessage(RouterProtocol.ForgetHistory.class, this::onForget)
        .onMessage(RouterProtocol.Interrupt.class, this::onInterrupt)
        .onMessage(RouterProtocol.DeletePending.class, this::onDelete)
        .onMessage(RouterProtocol.ClearPending.class, this::onClear)
        .onMessage(RouterProtocol.Free.class, this::onFree)
        .onMessage(RouterProtocol.Watch.class, this::onWatch)
        .onMessage(RouterProtocol.WarmUpAll.class, this::onWarmUpAll)
        .onMessage(Expire.class, message -> onExpire())
        .onMessage(Asked.class, this::onAsked)
        .onMessage(WarmUpsEnded.class, this::onWarmUpsEnded)
        .onSignal(Terminated.class, this::onTerminated)
        .build();
  }

  private Behavior<RouterProtocol.Command> count() {
    counter++;
    return this;
  }

  private Behavior<RouterProtocol.Command> onSubmit(RouterProtocol.Submit request) {
    Integer pinned = request.gpuId();
    if (pinned != null && !gpus.has(pinned)) {
      counter++;
      request.replyTo().tell(new RouterProtocol.NoSuchGpu(pinned, gpus.ids()));
      return this;
    }
    if (answeredAsKnown(request)) {
      return this;
    }
    long mine = counter;
    PromptJob job =
        new PromptJob(
            request.promptId(),
            nextNumber(request),
            request.prompt(),
            request.extraData(),
            request.outputs(),
            request.clientId(),
            clock.instant());
    Integer gpuId = choose(request, job.promptId(), Set.of());
    if (gpuId == null) {
      request.replyTo().tell(full(pinned));
      return this;
    }
    PromptFact.Queued entry = new PromptFact.Queued(job, pinned, request.checkpoints(), mine);
    OpenPrompts.Open opened = new OpenPrompts.Open(entry, gpuId);
    opened.answerTo(request.replyTo());
    open.add(opened);
    getContext()
        .ask(
            JournalProtocol.Answer.class,
            journal,
            ASK_PATIENCE,
            replyTo ->
                new JournalProtocol.Accept(
                    job.promptId(), List.of(entry, new PromptFact.Placed(gpuId)), replyTo),
            (answer, failure) ->
                new AcceptStored(
                    request,
                    job.promptId(),
                    answer == null
                        ? new JournalProtocol.Away(
                            "the journal did not answer in " + ASK_PATIENCE.toSeconds() + " s")
                        : answer));
    return this;
  }

  /** A prompt id that is known already gets the answer it got before, or is refused. */
  private boolean answeredAsKnown(RouterProtocol.Submit request) {
    OpenPrompts.Open known = open.find(request.promptId());
    Optional<PromptRecord> ended = store.find(request.promptId());
    if (known == null && ended.isEmpty()) {
      return false;
    }
    PromptJob job = known == null ? ended.orElseThrow().job() : known.job();
    if (!OpenPrompts.same(job, request.prompt(), request.outputs())) {
      request.replyTo().tell(new RouterProtocol.IdTaken(request.promptId()));
    } else if (known == null) {
      PromptRecord record = ended.orElseThrow();
      request
          .replyTo()
          .tell(new RouterProtocol.Accepted(job.promptId(), job.number(), record.gpuId()));
    } else if (known.admitted) {
      request.replyTo().tell(known.accepted());
    } else {
      known.answerTo(request.replyTo());
    }
    return true;
  }

  private double nextNumber(RouterProtocol.Submit request) {
    if (request.number() != null) {
      return request.number();
    }
    double number = request.front() ? -counter : counter;
    counter++;
    return number;
  }

  /** The device for a prompt, or null if there is no room. */
  private @Nullable Integer choose(
      RouterProtocol.Submit request, String promptId, Set<Integer> tried) {
    Integer pinned = request.gpuId();
    if (pinned != null) {
      GpuLoad load = load(pinned);
      if (load.waiting() >= load.capacity() || tried.contains(pinned)) {
        return null;
      }
      LOG.info("Routing prompt {} to GPU {}", promptId, pinned);
      return pinned;
    }
    return Placement.choose(
            gpus.ids().stream().filter(id -> !tried.contains(id)).map(this::load).toList(),
            request.checkpoints())
        .map(
            decision -> {
              LOG.info(
                  "Routing prompt {} to GPU {} ({})",
                  promptId,
                  decision.gpuId(),
                  decision.reason());
              return decision.gpuId();
            })
        .orElse(null);
  }

  private GpuLoad load(int gpuId) {
    GpuLoad known = Required.in(reported, gpuId);
    return new GpuLoad(
        gpuId, open.on(gpuId), known.capacity(), known.resident(), known.meanExecution());
  }

  private RouterProtocol.QueueFull full(@Nullable Integer pinned) {
    if (pinned != null) {
      GpuLoad load = load(pinned);
      return new RouterProtocol.QueueFull(pinned, load.waiting(), load.expectedWait());
    }
    GpuLoad shortest =
        gpus.ids().stream()
            .map(this::load)
            .min(java.util.Comparator.comparing(GpuLoad::expectedWait))
            .orElseThrow();
    return new RouterProtocol.QueueFull(null, open.size(), shortest.meanExecution());
  }

  private Behavior<RouterProtocol.Command> onAcceptStored(AcceptStored message) {
    OpenPrompts.Open opened = open.find(message.promptId());
    if (opened == null) {
      return this;
    }
    switch (message.answer()) {
      case JournalProtocol.Stored stored when stored.life() instanceof PromptLife.Placed ->
          handOver(message.request(), opened, Set.of());
      case JournalProtocol.Stored stored -> {
        LOG.warn("Prompt {} cannot be queued: {}", message.promptId(), stored.life());
        open.remove(message.promptId());
        opened.answer(new RouterProtocol.IdTaken(message.promptId()));
      }
      case JournalProtocol.Away away -> {
        open.remove(message.promptId());
        journal.tell(new JournalProtocol.Forget(Set.of(message.promptId()), null));
        opened.answer(new RouterProtocol.StorageAway(away.reason()));
      }
    }
    return this;
  }

  private void handOver(
      RouterProtocol.Submit request, OpenPrompts.Open opened, Set<Integer> tried) {
    int gpuId = opened.gpuId;
    String promptId = opened.job().promptId();
    getContext()
        .ask(
            GpuActor.SubmitReply.class,
            gpus.get(gpuId),
            ASK_PATIENCE,
            replyTo -> new GpuActor.Submit(opened.job(), replyTo),
            (reply, failure) -> new Submitted(request, promptId, gpuId, tried, reply));
  }

  private Behavior<RouterProtocol.Command> onSubmitted(Submitted message) {
    OpenPrompts.Open opened = open.find(message.promptId());
    if (opened == null) {
      return this; // it has ended already, and its end has answered
    }
    switch (message.reply()) {
      case GpuActor.Accepted ignored -> {
        opened.admitted = true;
        opened.answer(opened.accepted());
      }
      case GpuActor.Full full -> tryAnother(message, opened);
      case null -> {
        LOG.warn("GPU {} did not answer in {} s", message.gpuId(), ASK_PATIENCE.toSeconds());
        gpus.get(message.gpuId()).tell(new GpuActor.Remove(Set.of(message.promptId())));
        refuse(opened, new RouterProtocol.QueueFull(message.gpuId(), 0, ASK_PATIENCE));
      }
    }
    return this;
  }

  private void tryAnother(Submitted message, OpenPrompts.Open opened) {
    Set<Integer> tried = new LinkedHashSet<>(message.tried());
    tried.add(message.gpuId());
    Integer other = choose(message.request(), message.promptId(), tried);
    if (other == null) {
      refuse(opened, full(message.request().gpuId()));
    } else {
      open.move(opened, other);
      journal.tell(
          new JournalProtocol.Note(message.promptId(), new PromptFact.Placed(other), null));
      handOver(message.request(), opened, tried);
    }
  }

  private void refuse(OpenPrompts.Open opened, RouterProtocol.SubmitReply reply) {
    open.remove(opened.job().promptId());
    journal.tell(new JournalProtocol.Forget(Set.of(opened.job().promptId()), null));
    opened.answer(reply);
  }

  private Behavior<RouterProtocol.Command> onRestore(RouterProtocol.Restore message) {
    Restoring restoring =
        new Restoring(gpus, open, journal, clock, gpuId -> load(gpuId), this::keep);
    counter = Math.max(counter, message.recovered().counter());
    restoring.restore(message.recovered());
    onExpire();
    message.replyTo().tell(akka.Done.getInstance());
    return this;
  }

  /** Into the history; what has no more room there goes from the journal too. */
  private void keep(PromptRecord record) {
    forgetStored(store.add(record), null);
  }

  private void forgetStored(Set<String> promptIds, @Nullable ActorRef<akka.Done> replyTo) {
    if (!promptIds.isEmpty() || replyTo != null) {
      journal.tell(new JournalProtocol.Forget(promptIds, replyTo));
    }
  }

  private Behavior<RouterProtocol.Command> onExpire() {
    if (retention.age() != null) {
      forgetStored(store.expire(clock.instant().minus(retention.age())), null);
    }
    return this;
  }

  private Behavior<RouterProtocol.Command> onReport(FromGpu message) {
    switch (message.report()) {
      case GpuActor.Loaded loaded -> {
        GpuLoad known = Required.in(reported, loaded.gpuId());
        reported.put(
            loaded.gpuId(),
            new GpuLoad(
                loaded.gpuId(),
                loaded.waiting(),
                known.capacity(),
                loaded.resident(),
                loaded.meanExecution()));
        tellQueueLength();
      }
      case GpuActor.Happened happened -> {
        if (!order.keeps(happened.gpuId(), happened.event())) {
          onPromptEvent(happened.event());
        }
      }
      case GpuActor.Removed removed -> {
        Set<String> ids =
            removed.jobs().stream().map(PromptJob::promptId).collect(Collectors.toSet());
        for (String id : ids) {
          OpenPrompts.Open gone = open.remove(id);
          if (gone != null) {
            gone.answer(gone.accepted()); // taken out so soon that its client still waits
          }
        }
        forgetStored(ids, null);
        tellQueueLength();
      }
    }
    return this;
  }

  private void tellQueueLength() {
    int now = open.size();
    if (now != remaining) {
      remaining = now;
      publish(new PromptEvent.QueueChanged(now));
    }
  }

  private void onPromptEvent(PromptEvent.OfPrompt event) {
    OpenPrompts.Open known = open.find(event.job().promptId());
    switch (event) {
      case PromptEvent.Started started -> {
        if (known != null) {
          known.startedMillis = started.timestampMillis();
        }
        journal.tell(
            new JournalProtocol.Note(
                started.job().promptId(),
                new PromptFact.Started(started.gpuId(), started.timestampMillis()),
                null));
      }
      case PromptEvent.Cached cached -> {
        if (known != null) {
          known.cached = cached.nodeIds();
        }
      }
      case PromptEvent.Ended ended -> {
        storeEnd(ended, known);
        return;
      }
      case PromptEvent.Closed ignored -> {}
      case PromptEvent.NodeStarted ignored -> {}
      case PromptEvent.Progress ignored -> {}
      case PromptEvent.NodeFinished ignored -> {}
      case PromptEvent.Message ignored -> {}
    }
    publish(event);
  }

  private void storeEnd(PromptEvent.Ended ended, OpenPrompts.@Nullable Open known) {
    PromptRecord record =
        new PromptRecord(
            ended.job(),
            ended.gpuId(),
            ended.outcome(),
            known == null ? List.of() : known.cached,
            known == null ? ended.timestampMillis() : known.startedMillis,
            ended.timestampMillis());
    order.hold(ended.gpuId());
    getContext()
        .ask(
            JournalProtocol.Answer.class,
            journal,
            ASK_PATIENCE,
            replyTo ->
                new JournalProtocol.Note(
                    ended.job().promptId(),
                    new PromptFact.Ended(
                        ended.gpuId(),
                        ended.outcome(),
                        record.cached(),
                        record.startedMillis(),
                        record.endedMillis()),
                    replyTo),
            (answer, failure) ->
                new EndStored(ended, record, answer instanceof JournalProtocol.Stored));
  }

  private Behavior<RouterProtocol.Command> onEndStored(EndStored message) {
    PromptEvent.Ended ended = message.event();
    if (!message.stored()) {
      LOG.warn(
          "The end of prompt {} is not in the journal yet; it is tried again",
          ended.job().promptId());
    }
    OpenPrompts.Open known = open.remove(ended.job().promptId());
    if (known != null) {
      known.answer(known.accepted());
    }
    keep(message.record());
    publish(ended);
    tellQueueLength();
    publish(new PromptEvent.Closed(ended.job()));
    for (PromptEvent.OfPrompt waiting : order.release(ended.gpuId())) {
      if (!order.keeps(ended.gpuId(), waiting)) {
        onPromptEvent(waiting);
      }
    }
    return this;
  }

  private void publish(PromptEvent event) {
    watchers.forEach(watcher -> watcher.tell(event));
  }

  private Behavior<RouterProtocol.Command> onQueues(RouterProtocol.Queues message) {
    getContext()
        .pipeToSelf(
            gpus.snapshots(ASK_PATIENCE),
            (answers, failure) -> new Asked(message.replyTo(), answers, failure));
    return this;
  }

  private Behavior<RouterProtocol.Command> onAsked(Asked message) {
    if (message.answers() != null) {
      message.replyTo().tell(message.answers());
    } else {
      LOG.warn("a device did not say what it does: {}", String.valueOf(message.failure()));
    }
    return this;
  }

  private Behavior<RouterProtocol.Command> onFind(RouterProtocol.Find message) {
    message.replyTo().tell(store.find(message.promptId()));
    return this;
  }

  private Behavior<RouterProtocol.Command> onHistory(RouterProtocol.History message) {
    message.replyTo().tell(store.all());
    return this;
  }

  private Behavior<RouterProtocol.Command> onForget(RouterProtocol.ForgetHistory message) {
    Set<String> wanted = message.promptIds();
    Set<String> ids =
        store.all().stream()
            .map(record -> record.job().promptId())
            .filter(id -> wanted == null || wanted.contains(id))
            .collect(Collectors.toSet());
    store.delete(ids);
    forgetStored(ids, message.replyTo());
    return this;
  }

  private Behavior<RouterProtocol.Command> onInterrupt(RouterProtocol.Interrupt message) {
    gpus.chosen(message.gpuId())
        .forEach(gpu -> gpu.tell(new GpuActor.Interrupt(message.promptId())));
    return this;
  }

  private Behavior<RouterProtocol.Command> onDelete(RouterProtocol.DeletePending message) {
    gpus.tellAll(new GpuActor.Remove(message.promptIds()));
    return this;
  }

  private Behavior<RouterProtocol.Command> onClear(RouterProtocol.ClearPending message) {
    gpus.chosen(message.gpuId()).forEach(gpu -> gpu.tell(new GpuActor.Clear()));
    return this;
  }

  private Behavior<RouterProtocol.Command> onFree(RouterProtocol.Free message) {
    gpus.tellAll(new GpuActor.Free(message.models()));
    return this;
  }

  private Behavior<RouterProtocol.Command> onWatch(RouterProtocol.Watch message) {
    watchers.add(message.watcher());
    getContext().watch(message.watcher());
    message.watcher().tell(new PromptEvent.QueueChanged(remaining));
    return this;
  }

  private Behavior<RouterProtocol.Command> onWarmUpAll(RouterProtocol.WarmUpAll message) {
    getContext()
        .pipeToSelf(
            gpus.warmUp(),
            (all, failure) ->
                new WarmUpsEnded(
                    message.replyTo(), failure == null ? all : List.of(failure.toString())));
    return this;
  }

  private Behavior<RouterProtocol.Command> onWarmUpsEnded(WarmUpsEnded message) {
    message.replyTo().tell(message.failures());
    return this;
  }

  @SuppressWarnings("unchecked") // only watchers are watched
  private Behavior<RouterProtocol.Command> onTerminated(Terminated signal) {
    watchers.remove((ActorRef<PromptEvent>) (ActorRef<?>) signal.getRef());
    return this;
  }
}
