package quartet.cluster.node;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
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
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.gpu.GpuActor;
import quartet.cluster.gpu.GpuReport;
import quartet.cluster.gpu.GpuSettings;
import quartet.cluster.job.Owner;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptLife;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.job.PromptStore;
import quartet.cluster.journal.JournalProtocol;
import quartet.cluster.placement.NodeOutlook;
import quartet.cluster.placement.Placement;
import quartet.cluster.placement.StepTimes;
import quartet.cluster.queue.NodeQueue;
import quartet.cluster.queue.Waiting;
import quartet.cluster.split.SplitJoin;
import quartet.cluster.split.SplitRun;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;

/**
 * The front actor of a server: admits prompts, has them stored, and passes on what happens. Which
 * prompt runs next on which device is decided in {@link NodeQueue} and carried out by {@link
 * Dispatch}.
 *
 * <p>A prompt is answered for after it is in the journal. All events go through here, so whoever
 * watches hears them in order, and a prompt's end is stored before it is told. When the journal's
 * database is away, new prompts are refused; ends are told all the same and stored later.
 */
public final class PromptRouter extends AbstractBehavior<RouterProtocol.Command> {
  private static final Logger LOG = LoggerFactory.getLogger(PromptRouter.class);
  private static final Duration ASK_PATIENCE = Duration.ofSeconds(5);
  private static final Duration EXPIRE_EVERY = Duration.ofMinutes(10);
  private static final Duration LOOK_EVERY = Duration.ofMillis(500);

  /** After a device was lost, the others get so long to end what they run. */
  private static final Duration LEAVING_PATIENCE = Duration.ofSeconds(60);

  /** What it tells itself. */
  sealed interface Internal extends RouterProtocol.Command {}

  private record FromGpu(GpuReport report) implements Internal {}

  private record AcceptStored(String promptId, JournalProtocol.Answer answer) implements Internal {}

  private record EndStored(
      int orderKey, PromptEvent.Ended event, PromptRecord record, JournalProtocol.Answer answer)
      implements Internal {}

  private record StartStored(String promptId, JournalProtocol.Answer answer) implements Internal {}

  private record GiveStored(Handover handover, String promptId, JournalProtocol.Answer answer)
      implements Internal {}

  private record WarmUpsEnded(ActorRef<List<String>> replyTo, List<String> failures)
      implements Internal {}

  private record Joined(PromptJob job, ExecutionOutcome outcome) implements Internal {}

  private record Expire() implements Internal {}

  private record Look() implements Internal {}

  private record Leave(String why) implements Internal {}

  private final Clock clock;
  private final PromptStore store;
  private final ActorRef<JournalProtocol.Command> journal;
  private final NodeSettings settings;
  private final TimerScheduler<RouterProtocol.Command> timers;
  private final GpuGroup gpus;
  private final OpenPrompts open = new OpenPrompts();
  private final NodeQueue queue;
  private final Dispatch dispatch;
  private final EventOrder order = new EventOrder();
  private final Set<ActorRef<PromptEvent>> watchers = new LinkedHashSet<>();
  private long counter;
  private int remaining;
  private int endsWithoutDevice;
  private boolean left;

  /** The actor and, below it, one actor per device. */
  public static Behavior<RouterProtocol.Command> create(
      List<GpuSettings> devices,
      PromptStore store,
      ActorRef<JournalProtocol.Command> journal,
      NodeSettings settings,
      Clock clock) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers ->
                    new PromptRouter(context, timers, devices, store, journal, settings, clock)));
  }

  private PromptRouter(
      ActorContext<RouterProtocol.Command> context,
      TimerScheduler<RouterProtocol.Command> timers,
      List<GpuSettings> devices,
      PromptStore store,
      ActorRef<JournalProtocol.Command> journal,
      NodeSettings settings,
      Clock clock) {
    super(context);
    this.clock = clock;
    this.store = store;
    this.journal = journal;
    this.settings = settings;
    this.timers = timers;
    this.gpus = new GpuGroup(context.getSystem());
    this.queue = new NodeQueue(new Placement(new StepTimes(), settings.modelBytes()));
    this.dispatch = new Dispatch(queue, gpus, open, clock, this::endWithoutDevice, this::join);
    ActorRef<GpuReport> reports = context.messageAdapter(GpuReport.class, FromGpu::new);
    for (GpuSettings device : devices) {
      dispatch.addGpu(device.gpuId(), device.device().toString());
      gpus.add(
          device.gpuId(),
          context.spawn(
              GpuActor.create(device, clock, reports),
              "gpu-" + device.gpuId(),
              MailboxSelector.fromConfig("quartet.gpu-mailbox")));
      LOG.info("🚀 Started worker thread for GPU {}", device.gpuId());
    }
    timers.startTimerWithFixedDelay(new Expire(), EXPIRE_EVERY);
    timers.startTimerWithFixedDelay(new Look(), LOOK_EVERY);
  }

  @Override
  public Receive<RouterProtocol.Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(RouterProtocol.Expect.class, this::onExpect)
        .onMessage(RouterProtocol.Submit.class, this::onSubmit)
        .onMessage(AcceptStored.class, this::onAcceptStored)
        .onMessage(RouterProtocol.Restore.class, this::onRestore)
        .onMessage(FromGpu.class, this::onReport)
        .onMessage(EndStored.class, this::onEndStored)
        .onMessage(RouterProtocol.CountRefused.class, message -> count())
        .onMessage(RouterProtocol.Queues.class, this::onQueues)
        .onMessage(RouterProtocol.Devices.class, this::onDevices)
        .onMessage(RouterProtocol.Find.class, this::onFind)
        .onMessage(RouterProtocol.History.class, this::onHistory)
        .onMessage(RouterProtocol.ForgetHistory.class, this::onForget)
        .onMessage(RouterProtocol.Interrupt.class, this::onInterrupt)
        .onMessage(RouterProtocol.DeletePending.class, this::onDelete)
        .onMessage(RouterProtocol.ClearPending.class, this::onClear)
        .onMessage(RouterProtocol.Pause.class, this::onPause)
        .onMessage(RouterProtocol.Move.class, this::onMove)
        .onMessage(RouterProtocol.Drain.class, this::onDrain)
        .onMessage(RouterProtocol.Free.class, this::onFree)
        .onMessage(RouterProtocol.Watch.class, this::onWatch)
        .onMessage(RouterProtocol.WarmUpAll.class, this::onWarmUpAll)
        .onMessage(RouterProtocol.Outlook.class, this::onOutlook)
        .onMessage(RouterProtocol.CountFrom.class, this::onCountFrom)
        .onMessage(RouterProtocol.Give.class, this::onGive)
        .onMessage(RouterProtocol.Adopt.class, this::onAdopt)
        .onMessage(RouterProtocol.Known.class, this::onKnown)
        .onMessage(RouterProtocol.Learn.class, this::onLearn)
        .onMessage(GiveStored.class, this::onGiveStored)
        .onMessage(StartStored.class, this::onStartStored)
        .onMessage(Joined.class, this::onJoined)
        .onMessage(Expire.class, message -> onExpire())
        .onMessage(Look.class, message -> onLook())
        .onMessage(Leave.class, this::onLeave)
        .onMessage(WarmUpsEnded.class, this::onWarmUpsEnded)
        .onSignal(Terminated.class, this::onTerminated)
        .build();
  }

  private Behavior<RouterProtocol.Command> count() {
    counter++;
    return this;
  }

  private Behavior<RouterProtocol.Command> onExpect(RouterProtocol.Expect message) {
    if (open.find(message.promptId()) == null && store.find(message.promptId()).isEmpty()) {
      journal.tell(new JournalProtocol.Expect(message.promptId()));
    }
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
    if (dispatch.draining()) {
      request.replyTo().tell(new RouterProtocol.Draining());
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
    if (isFull(pinned)) {
      request.replyTo().tell(full(pinned));
      return this;
    }
    if (pinned != null) {
      LOG.info("Routing prompt {} to GPU {}", job.promptId(), pinned);
    }
    PromptFact.Queued entry =
        new PromptFact.Queued(job, pinned, request.checkpoints(), mine, settings.self());
    OpenPrompts.Open opened = new OpenPrompts.Open(entry);
    opened.answerTo(request.replyTo());
    open.add(opened);
    List<PromptFact> facts =
        pinned == null ? List.of(entry) : List.of(entry, new PromptFact.Placed(pinned));
    getContext()
        .ask(
            JournalProtocol.Answer.class,
            journal,
            ASK_PATIENCE,
            replyTo -> new JournalProtocol.Accept(job.promptId(), facts, replyTo),
            (answer, failure) -> new AcceptStored(job.promptId(), orAway(answer)));
    return this;
  }

  private static JournalProtocol.Answer orAway(JournalProtocol.@Nullable Answer answer) {
    return answer == null
        ? new JournalProtocol.Away(
            "the journal did not answer in " + ASK_PATIENCE.toSeconds() + " s")
        : answer;
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
    } else if (known == null || known.admitted) {
      request.replyTo().tell(new RouterProtocol.Accepted(job.promptId(), job.number()));
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

  private boolean isFull(@Nullable Integer pinned) {
    int capacity = settings.queueCapacity();
    return open.size() >= capacity * gpus.ids().size()
        || (pinned != null && open.pinnedTo(pinned) >= capacity);
  }

  private RouterProtocol.QueueFull full(@Nullable Integer pinned) {
    Integer one =
        pinned != null && open.pinnedTo(pinned) >= settings.queueCapacity() ? pinned : null;
    return new RouterProtocol.QueueFull(
        one,
        one == null ? open.size() : open.pinnedTo(one),
        seconds(dispatch.expectedWaitSeconds(one)),
        seconds(dispatch.secondsToNextEnd(one)));
  }

  private static Duration seconds(double seconds) {
    return Duration.ofMillis(Math.round(seconds * 1000));
  }

  private Behavior<RouterProtocol.Command> onAcceptStored(AcceptStored message) {
    OpenPrompts.Open opened = open.find(message.promptId());
    if (opened == null) {
      return this;
    }
    switch (message.answer()) {
      case JournalProtocol.Stored stored
          when stored.life() instanceof PromptLife.Queued
              || stored.life() instanceof PromptLife.Placed -> {
        opened.admitted = true;
        opened.answer(opened.accepted());
        dispatch.add(opened);
        tellQueueLength();
      }
      case JournalProtocol.Stored stored -> {
        LOG.warn("Prompt {} cannot be queued: {}", message.promptId(), stored.life());
        open.remove(message.promptId());
        opened.answer(new RouterProtocol.IdTaken(message.promptId()));
      }
      case JournalProtocol.Foreign foreign -> {
        // Another server has it: the client asked there before, or its answer was lost.
        open.remove(message.promptId());
        opened.answer(Handover.answer(foreign.life(), opened));
      }
      case JournalProtocol.Away away -> {
        open.remove(message.promptId());
        if (settings.self() == null) {
          journal.tell(new JournalProtocol.Forget(Set.of(message.promptId()), null));
        }
        opened.answer(new RouterProtocol.StorageAway(away.reason()));
      }
    }
    return this;
  }

  private Behavior<RouterProtocol.Command> onRestore(RouterProtocol.Restore message) {
    Restoring restoring = new Restoring(queue, open, journal, clock, this::keep, dispatch::enqueue);
    counter = Math.max(counter, message.recovered().counter());
    restoring.restore(message.recovered());
    onExpire();
    dispatch.go();
    tellQueueLength();
    message.replyTo().tell(Done.getInstance());
    return this;
  }

  /** Into the history; what has no more room there goes from the journal too. */
  private void keep(PromptRecord record) {
    forgetStored(store.add(record), null);
  }

  private void forgetStored(Set<String> promptIds, @Nullable ActorRef<Done> replyTo) {
    if (!promptIds.isEmpty() || replyTo != null) {
      journal.tell(new JournalProtocol.Forget(promptIds, replyTo));
    }
  }

  private Behavior<RouterProtocol.Command> onExpire() {
    if (settings.retention().age() != null) {
      forgetStored(store.expire(clock.instant().minus(settings.retention().age())), null);
    }
    return this;
  }

  /** Deadlines pass and estimates turn out wrong without anybody saying so. */
  private Behavior<RouterProtocol.Command> onLook() {
    if (queue.size() > 0) {
      dispatch.go();
    }
    leaveIfDone();
    return this;
  }

  private Behavior<RouterProtocol.Command> onReport(FromGpu message) {
    settings.recorder().report(message.report());
    switch (Located.on(settings.filesOn(), message.report())) {
      case GpuReport.Happened happened -> onHappened(happened);
      case GpuReport.LeftDevice left -> {
        order.left(left.gpuId(), SplitRun.promptId(left.job().promptId()));
        dispatch.left(left);
      }
      case GpuReport.Finished finished -> {
        if (dispatch.finished(finished)) {
          inOrder(finished.gpuId(), finished.end());
        } else {
          String promptId = SplitRun.promptId(finished.end().job().promptId());
          offerAgain(finished.gpuId(), order.goesOn(finished.gpuId(), promptId));
        }
        tellQueueLength();
      }
      case GpuReport.Holds holds -> {
        dispatch.holds(holds.gpuId(), holds.holdings());
        queue.forgotCaches(holds.gpuId());
      }
      case GpuReport.Up up -> dispatch.up(up);
      case GpuReport.Down down -> takenBack(down.gpuId(), dispatch.down(down));
      case GpuReport.Lost lost -> {
        takenBack(lost.gpuId(), dispatch.lost(lost));
        timers.startSingleTimer(new Leave(lost.reason()), LEAVING_PATIENCE);
        leaveIfDone();
      }
    }
    return this;
  }

  private void takenBack(int gpuId, @Nullable PromptJob job) {
    if (job != null) {
      offerAgain(gpuId, order.takenBack(gpuId, SplitRun.promptId(job.promptId())));
    }
  }

  private void offerAgain(int gpuId, Iterable<PromptEvent.OfPrompt> waited) {
    waited.forEach(event -> inOrder(gpuId, event));
  }

  private void onHappened(GpuReport.Happened happened) {
    OpenPrompts.Open known = open.find(SplitRun.promptId(happened.event().job().promptId()));
    if (known != null && known.split != null) {
      known.split.event(happened.event()).ifPresent(event -> inOrder(happened.gpuId(), event));
    } else {
      inOrder(happened.gpuId(), happened.event());
    }
  }

  /** All parts have run: their pictures get their names. */
  private void join(OpenPrompts.Open opened) {
    SplitRun split = java.util.Objects.requireNonNull(opened.split);
    Executor blocking =
        getContext().getSystem().dispatchers().lookup(DispatcherSelector.blocking());
    getContext()
        .pipeToSelf(
            CompletableFuture.supplyAsync(
                () ->
                    SplitJoin.join(
                        split, settings.output(), name -> Located.place(name).subfolder()),
                blocking),
            (outcome, failure) ->
                new Joined(
                    opened.job(),
                    outcome != null
                        ? outcome
                        : ExecutionOutcome.Failed.outsideNodes(
                            ErrorKind.STORAGE, String.valueOf(failure))));
  }

  private Behavior<RouterProtocol.Command> onJoined(Joined message) {
    OpenPrompts.Open opened = open.find(message.job().promptId());
    if (opened == null) {
      return this;
    }
    int gpuId = opened.gpuId == null ? PromptLife.NOWHERE : opened.gpuId;
    ExecutionOutcome outcome = Located.on(settings.filesOn(), message.outcome());
    outcome
        .shown()
        .forEach((id, ui) -> publish(new PromptEvent.NodeFinished(message.job(), id, ui, false)));
    endWithoutDevice(new PromptEvent.Ended(message.job(), gpuId, outcome, clock.millis()));
    return this;
  }

  private void leaveIfDone() {
    String why = dispatch.leavesNow();
    if (why != null && order.isEmpty()) {
      onLeave(new Leave(why));
    }
  }

  private Behavior<RouterProtocol.Command> onLeave(Leave message) {
    if (!left) {
      left = true;
      LOG.error(
          "❌ This process ends to be replaced ({}); accepted prompts are in the journal",
          message.why());
      settings.lastResort().run();
    }
    return this;
  }

  private void inOrder(int gpuId, PromptEvent.OfPrompt event) {
    if (!order.keeps(gpuId, event)) {
      onPromptEvent(gpuId, event);
    }
  }

  private void tellQueueLength() {
    int now = open.size();
    if (now != remaining) {
      remaining = now;
      publish(new PromptEvent.QueueChanged(now));
    }
  }

  private void onPromptEvent(int orderKey, PromptEvent.OfPrompt event) {
    OpenPrompts.Open known = open.find(event.job().promptId());
    switch (event) {
      case PromptEvent.Started started -> {
        if (known != null) {
          known.startedMillis = started.timestampMillis();
        }
        noteStart(started);
      }
      case PromptEvent.Cached cached -> {
        if (known != null) {
          known.cached = cached.nodeIds();
        }
      }
      case PromptEvent.Ended ended -> {
        storeEnd(orderKey, ended, known);
        return;
      }
      case PromptEvent.Closed ignored -> {}
      case PromptEvent.NodeStarted ignored -> {}
      case PromptEvent.Progress ignored -> {}
      case PromptEvent.NodeFinished ignored -> {}
      case PromptEvent.Message ignored -> {}
    }
    if (known == null || !known.foreign) {
      publish(event);
    }
  }

  private void noteStart(PromptEvent.Started started) {
    String promptId = started.job().promptId();
    PromptFact fact = new PromptFact.Started(started.gpuId(), started.timestampMillis());
    if (settings.self() == null) {
      journal.tell(new JournalProtocol.Note(promptId, fact, null));
      return;
    }
    getContext()
        .ask(
            JournalProtocol.Answer.class,
            journal,
            ASK_PATIENCE,
            replyTo -> new JournalProtocol.Note(promptId, fact, replyTo),
            (answer, failure) -> new StartStored(promptId, orAway(answer)));
  }

  /** Begun here, although another server has taken it over: this one lets go of it. */
  private Behavior<RouterProtocol.Command> onStartStored(StartStored message) {
    OpenPrompts.Open opened = open.find(message.promptId());
    if (opened != null && message.answer() instanceof JournalProtocol.Foreign foreign) {
      LOG.warn(
          "Prompt {} belongs to {} by now; it is stopped here",
          message.promptId(),
          foreign.life().owner());
      opened.foreign = true;
      dispatch.interrupt(message.promptId(), null);
    }
    return this;
  }

  /** Such ends have an order key of their own: they hold no device's events back. */
  private void endWithoutDevice(PromptEvent.Ended ended) {
    endsWithoutDevice++;
    storeEnd(-endsWithoutDevice, ended, open.find(ended.job().promptId()));
  }

  private void storeEnd(int orderKey, PromptEvent.Ended ended, OpenPrompts.@Nullable Open known) {
    long started =
        known != null && known.startedMillis > 0 ? known.startedMillis : ended.timestampMillis();
    PromptRecord record =
        new PromptRecord(
            ended.job(),
            ended.gpuId(),
            ended.outcome(),
            known == null ? List.of() : known.cached,
            started,
            ended.timestampMillis());
    order.hold(orderKey);
    dispatch.ending(ended.gpuId(), ended.job());
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
            (answer, failure) -> new EndStored(orderKey, ended, record, orAway(answer)));
  }

  private Behavior<RouterProtocol.Command> onEndStored(EndStored message) {
    PromptEvent.Ended ended = message.event();
    OpenPrompts.Open known = open.remove(ended.job().promptId());
    if (known != null) {
      known.answer(known.accepted());
    }
    switch (message.answer()) {
      case JournalProtocol.Foreign foreign -> {
        LOG.warn(
            "The end of prompt {} does not count: it belongs to {}",
            ended.job().promptId(),
            foreign.life().owner());
        dispatch.ended(ended.job().promptId());
        tellQueueLength();
      }
      case JournalProtocol.Stored ignored -> told(message);
      case JournalProtocol.Away ignored -> {
        LOG.warn(
            "The end of prompt {} is not in the journal yet; it is tried again",
            ended.job().promptId());
        told(message);
      }
    }
    offerAgain(message.orderKey(), order.release(message.orderKey(), ended.job().promptId()));
    leaveIfDone();
    return this;
  }

  private void told(EndStored end) {
    keep(end.record());
    dispatch.ended(end.event().job().promptId());
    publish(end.event());
    tellQueueLength();
    publish(new PromptEvent.Closed(end.event().job()));
  }

  // What other servers ask for.

  private Behavior<RouterProtocol.Command> onOutlook(RouterProtocol.Outlook message) {
    Owner self = settings.self();
    message
        .replyTo()
        .tell(
            new NodeOutlook(
                self == null ? "" : self.node(),
                self == null ? 0 : self.epoch(),
                "",
                "",
                dispatch.outlook(),
                open.size(),
                settings.queueCapacity() * gpus.ids().size(),
                queue.size(),
                queue.givable(),
                !dispatch.draining() && !left,
                counter,
                Set.of()));
    return this;
  }

  private Behavior<RouterProtocol.Command> onCountFrom(RouterProtocol.CountFrom message) {
    counter = Math.max(counter, message.counter());
    return this;
  }

  private Behavior<RouterProtocol.Command> onGive(RouterProtocol.Give message) {
    Handover handover = new Handover(message, dispatch.give(message.most(), message.pinnedToo()));
    handover.answerIfDone();
    for (OpenPrompts.Open opened : handover.prompts()) {
      String promptId = opened.job().promptId();
      getContext()
          .ask(
              JournalProtocol.Answer.class,
              journal,
              ASK_PATIENCE,
              replyTo ->
                  new JournalProtocol.Note(promptId, new PromptFact.Taken(message.to()), replyTo),
              (answer, failure) -> new GiveStored(handover, promptId, orAway(answer)));
    }
    return this;
  }

  private Behavior<RouterProtocol.Command> onGiveStored(GiveStored message) {
    OpenPrompts.Open opened = open.find(message.promptId());
    boolean gone = message.handover().isGone(message.promptId(), message.answer());
    if (opened != null && gone) {
      open.remove(message.promptId());
      tellQueueLength();
    } else if (opened != null) {
      dispatch.add(opened);
    }
    message.handover().answerIfDone();
    return this;
  }

  private Behavior<RouterProtocol.Command> onAdopt(RouterProtocol.Adopt message) {
    String promptId = message.prompt().job().promptId();
    if (open.find(promptId) == null && store.find(promptId).isEmpty()) {
      new Restoring(queue, open, journal, clock, this::keep, dispatch::enqueue)
          .restore(message.prompt());
      dispatch.go();
      tellQueueLength();
    }
    message.replyTo().tell(Done.getInstance());
    return this;
  }

  private Behavior<RouterProtocol.Command> onKnown(RouterProtocol.Known message) {
    message.replyTo().tell(open.ids());
    return this;
  }

  private Behavior<RouterProtocol.Command> onLearn(RouterProtocol.Learn message) {
    message.ended().stream()
        .filter(record -> store.find(record.job().promptId()).isEmpty())
        .forEach(this::keep);
    return this;
  }

  private void publish(PromptEvent event) {
    watchers.forEach(watcher -> watcher.tell(event));
  }

  private Behavior<RouterProtocol.Command> onQueues(RouterProtocol.Queues message) {
    message.replyTo().tell(dispatch.snapshots());
    return this;
  }

  private Behavior<RouterProtocol.Command> onDevices(RouterProtocol.Devices message) {
    message.replyTo().tell(dispatch.devices());
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
    dispatch.interrupt(message.promptId(), message.gpuId());
    return this;
  }

  private Behavior<RouterProtocol.Command> onDelete(RouterProtocol.DeletePending message) {
    return forgetRemoved(dispatch.remove(message.promptIds()));
  }

  private Behavior<RouterProtocol.Command> onClear(RouterProtocol.ClearPending message) {
    return forgetRemoved(dispatch.clear(message.gpuId()));
  }

  private Behavior<RouterProtocol.Command> forgetRemoved(List<PromptJob> removed) {
    Set<String> ids = removed.stream().map(PromptJob::promptId).collect(Collectors.toSet());
    ids.forEach(open::remove);
    forgetStored(ids, null);
    tellQueueLength();
    return this;
  }

  private Behavior<RouterProtocol.Command> onPause(RouterProtocol.Pause message) {
    if (message.gpuId() != null && !gpus.has(message.gpuId())) {
      message.replyTo().tell(new RouterProtocol.NoSuchGpu(message.gpuId(), gpus.ids()));
      return this;
    }
    dispatch.pause(message.gpuId(), message.paused());
    message.replyTo().tell(new RouterProtocol.Changed());
    return this;
  }

  private Behavior<RouterProtocol.Command> onMove(RouterProtocol.Move message) {
    if (message.where() instanceof RouterProtocol.ToGpu to
        && to.gpuId() != null
        && !gpus.has(to.gpuId())) {
      message.replyTo().tell(new RouterProtocol.NoSuchGpu(to.gpuId(), gpus.ids()));
      return this;
    }
    OpenPrompts.Open opened = open.find(message.promptId());
    Optional<Waiting> moved = dispatch.move(message.promptId(), message.where());
    if (opened == null || moved.isEmpty()) {
      message.replyTo().tell(new RouterProtocol.NotWaiting(message.promptId()));
      return this;
    }
    Waiting now = moved.get();
    PromptFact.Moved fact =
        new PromptFact.Moved(
            now.pinnedTo(),
            now.number(),
            Math.clamp(now.rank(), -Waiting.MAX_PRIORITY, Waiting.MAX_PRIORITY));
    open.change(opened, opened.entry.moved(fact));
    journal.tell(new JournalProtocol.Note(message.promptId(), fact, null));
    dispatch.go();
    message.replyTo().tell(new RouterProtocol.Changed());
    return this;
  }

  private Behavior<RouterProtocol.Command> onDrain(RouterProtocol.Drain message) {
    if (message.how() != null) {
      dispatch.drain(message.how());
    }
    RouterProtocol.DrainState state = dispatch.drained();
    boolean storing = !order.isEmpty();
    message
        .replyTo()
        .tell(
            new RouterProtocol.DrainState(
                state.mode(), state.running() + (storing ? 1 : 0), state.waiting()));
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
