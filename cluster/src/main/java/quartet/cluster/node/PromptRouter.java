package quartet.cluster.node;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.MailboxSelector;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.japi.function.Function;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.gpu.GpuActor;
import quartet.cluster.gpu.GpuReport;
import quartet.cluster.gpu.GpuSettings;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptStore;
import quartet.cluster.job.Watchers;
import quartet.cluster.journal.JournalProtocol;
import quartet.cluster.placement.Placement;
import quartet.cluster.placement.StepTimes;
import quartet.cluster.queue.NodeQueue;
import quartet.cluster.queue.Waiting;

/**
 * The front actor of a server, with one actor per device below it. It hands each message to the
 * room it belongs to: {@link Admission} takes prompts in, {@link NodeQueue} decides which runs next
 * where and {@link Dispatch} sees to it, {@link EventFlow} stores and tells what happens, {@link
 * Exchange} deals with other servers.
 *
 * <p>A prompt is answered for after it is in the journal. All events go through here, so whoever
 * watches hears them in order, and a prompt's end is stored before it is told. When the journal's
 * database is away, new prompts are refused; ends are told all the same and stored later.
 */
public final class PromptRouter extends AbstractBehavior<RouterProtocol.Command> {
  private static final Logger LOG = LoggerFactory.getLogger(PromptRouter.class);
  private static final Duration EXPIRE_EVERY = Duration.ofMinutes(10);
  private static final Duration LOOK_EVERY = Duration.ofMillis(500);

  /** After a device was lost, the others get so long to end what they run. */
  private static final Duration LEAVING_PATIENCE = Duration.ofSeconds(60);

  /** What it tells itself. */
  non-sealed interface Internal extends RouterProtocol.Command {}

  private record FromGpu(GpuReport report) implements Internal {}

  private record WarmUpsEnded(ActorRef<List<String>> replyTo, List<String> failures)
      implements Internal {}

  private record Expire() implements Internal {}

  private record Look() implements Internal {}

  private record Leave(String why) implements Internal {}

  private final Clock clock;
  private final NodeSettings settings;
  private final TimerScheduler<RouterProtocol.Command> timers;
  private final GpuGroup gpus;
  private final OpenPrompts open = new OpenPrompts();
  private final Watchers watchers = new Watchers();
  private final NodeQueue queue;
  private final Dispatch dispatch;
  private final JournalLine journal;
  private final History history;
  private final Restoring restoring;
  private final Admission admission;
  private final EventFlow events;
  private final Exchange exchange;
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
      ActorRef<JournalProtocol.Command> journalActor,
      NodeSettings settings,
      Clock clock) {
    super(context);
    this.clock = clock;
    this.settings = settings;
    this.timers = timers;
    this.gpus = new GpuGroup(context.getSystem());
    this.queue = new NodeQueue(new Placement(new StepTimes(), settings.modelBytes()));
    this.dispatch = new Dispatch(queue, gpus, open, clock, this::endWithoutDevice, this::join);
    this.journal = new JournalLine(context, journalActor);
    this.history = new History(store, journal);
    this.restoring = new Restoring(queue, open, journal, clock, history::keep, dispatch::enqueue);
    this.admission =
        new Admission(settings, clock, open, history, journal, gpus, dispatch, watchers);
    this.events =
        new EventFlow(context, settings, clock, open, history, journal, dispatch, watchers);
    this.exchange =
        new Exchange(settings, open, history, journal, queue, dispatch, restoring, watchers);
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
        .onMessage(RouterProtocol.Expect.class, done(admission::expect))
        .onMessage(RouterProtocol.Submit.class, done(admission::submit))
        .onMessage(Admission.AcceptStored.class, done(admission::stored))
        .onMessage(RouterProtocol.CountRefused.class, done(message -> admission.count()))
        .onMessage(
            RouterProtocol.CountFrom.class, done(from -> admission.countFrom(from.counter())))
        .onMessage(RouterProtocol.Restore.class, done(this::restore))
        .onMessage(FromGpu.class, done(message -> report(message.report())))
        .onMessage(EventFlow.StartStored.class, done(events::startStored))
        .onMessage(EventFlow.EndStored.class, done(this::endStored))
        .onMessage(EventFlow.Joined.class, done(events::joined))
        .onMessage(
            RouterProtocol.Queues.class, done(q -> q.replyTo().tell(dispatch.view().snapshots())))
        .onMessage(
            RouterProtocol.Devices.class, done(q -> q.replyTo().tell(dispatch.view().devices())))
        .onMessage(RouterProtocol.Find.class, done(this::find))
        .onMessage(RouterProtocol.History.class, done(q -> q.replyTo().tell(history.all())))
        .onMessage(RouterProtocol.ForgetHistory.class, done(this::forget))
        .onMessage(RouterProtocol.Interrupt.class, done(this::interrupt))
        .onMessage(RouterProtocol.DeletePending.class, done(this::delete))
        .onMessage(RouterProtocol.ClearPending.class, done(this::clear))
        .onMessage(RouterProtocol.Pause.class, done(this::pause))
        .onMessage(RouterProtocol.Move.class, done(this::move))
        .onMessage(RouterProtocol.Drain.class, done(this::drain))
        .onMessage(RouterProtocol.Free.class, done(this::free))
        .onMessage(RouterProtocol.Watch.class, done(this::watch))
        .onMessage(RouterProtocol.WarmUpAll.class, done(this::warmUpAll))
        .onMessage(WarmUpsEnded.class, done(ended -> ended.replyTo().tell(ended.failures())))
        .onMessage(RouterProtocol.Outlook.class, done(this::outlook))
        .onMessage(RouterProtocol.Give.class, done(exchange::give))
        .onMessage(Exchange.GiveStored.class, done(exchange::giveStored))
        .onMessage(RouterProtocol.Adopt.class, done(exchange::adopt))
        .onMessage(RouterProtocol.Known.class, done(known -> known.replyTo().tell(open.ids())))
        .onMessage(RouterProtocol.Learn.class, done(exchange::learn))
        .onMessage(Expire.class, done(message -> expire()))
        .onMessage(Look.class, done(message -> look()))
        .onMessage(Leave.class, done(this::leave))
        .onSignal(Terminated.class, this::onTerminated)
        .build();
  }

  private static <M> Function<M, Behavior<RouterProtocol.Command>> done(Consumer<M> work) {
    return message -> {
      work.accept(message);
      return Behaviors.same();
    };
  }

  private void restore(RouterProtocol.Restore message) {
    admission.countFrom(message.recovered().counter());
    restoring.restore(message.recovered());
    expire();
    dispatch.go();
    watchers.queueLength(open.size());
    message.replyTo().tell(Done.getInstance());
  }

  private void expire() {
    if (settings.retention().age() != null) {
      history.expire(clock.instant().minus(settings.retention().age()));
    }
  }

  /** Deadlines pass and estimates turn out wrong without anybody saying so. */
  private void look() {
    if (queue.size() > 0) {
      dispatch.go();
    }
    leaveIfDone();
  }

  // What devices tell.

  private void report(GpuReport original) {
    settings.recorder().report(original);
    switch (Located.on(settings.filesOn(), original)) {
      case GpuReport.Happened happened -> events.happened(happened);
      case GpuReport.LeftDevice gone -> {
        events.left(gone);
        dispatch.left(gone);
      }
      case GpuReport.Finished finished -> {
        if (dispatch.finished(finished)) {
          events.finished(finished);
        } else {
          events.goesOn(finished);
        }
        watchers.queueLength(open.size());
      }
      case GpuReport.Holds holds -> {
        dispatch.holds(holds.gpuId(), holds.holdings());
        queue.forgotCaches(holds.gpuId());
      }
      case GpuReport.Up up -> dispatch.up(up);
      case GpuReport.Down down -> events.takenBack(down.gpuId(), dispatch.down(down));
      case GpuReport.Lost lost -> {
        events.takenBack(lost.gpuId(), dispatch.lost(lost));
        timers.startSingleTimer(new Leave(lost.reason()), LEAVING_PATIENCE);
        leaveIfDone();
      }
    }
  }

  private void join(OpenPrompts.Open opened) {
    events.join(opened);
  }

  private void endWithoutDevice(PromptEvent.Ended ended) {
    events.endWithoutDevice(ended);
  }

  private void endStored(EventFlow.EndStored message) {
    events.endStored(message);
    leaveIfDone();
  }

  private void leaveIfDone() {
    String why = dispatch.leavesNow();
    if (why != null && !events.isStoring()) {
      leave(new Leave(why));
    }
  }

  private void leave(Leave message) {
    if (!left) {
      left = true;
      LOG.error(
          "❌ This process ends to be replaced ({}); accepted prompts are in the journal",
          message.why());
      settings.lastResort().run();
    }
  }

  // What clients and operators ask for.

  private void find(RouterProtocol.Find message) {
    message.replyTo().tell(history.find(message.promptId()));
  }

  private void outlook(RouterProtocol.Outlook message) {
    boolean takesPrompts = !dispatch.draining() && !left;
    message.replyTo().tell(exchange.outlook(admission.counter(), gpus.ids().size(), takesPrompts));
  }

  private void forget(RouterProtocol.ForgetHistory message) {
    history.forget(message.promptIds(), message.replyTo());
  }

  private void interrupt(RouterProtocol.Interrupt message) {
    dispatch.interrupt(message.promptId(), message.gpuId());
  }

  private void delete(RouterProtocol.DeletePending message) {
    forgetRemoved(dispatch.remove(message.promptIds()));
  }

  private void clear(RouterProtocol.ClearPending message) {
    forgetRemoved(dispatch.clear(message.gpuId()));
  }

  private void forgetRemoved(List<PromptJob> removed) {
    Set<String> ids = removed.stream().map(PromptJob::promptId).collect(Collectors.toSet());
    ids.forEach(open::remove);
    journal.forget(ids);
    watchers.queueLength(open.size());
  }

  private void pause(RouterProtocol.Pause message) {
    if (message.gpuId() != null && !gpus.has(message.gpuId())) {
      message.replyTo().tell(new RouterProtocol.NoSuchGpu(message.gpuId(), gpus.ids()));
      return;
    }
    dispatch.pause(message.gpuId(), message.paused());
    message.replyTo().tell(new RouterProtocol.Changed());
  }

  private void move(RouterProtocol.Move message) {
    if (message.where() instanceof RouterProtocol.ToGpu to
        && to.gpuId() != null
        && !gpus.has(to.gpuId())) {
      message.replyTo().tell(new RouterProtocol.NoSuchGpu(to.gpuId(), gpus.ids()));
      return;
    }
    OpenPrompts.Open opened = open.find(message.promptId());
    Optional<Waiting> moved = dispatch.move(message.promptId(), message.where());
    if (opened == null || moved.isEmpty()) {
      message.replyTo().tell(new RouterProtocol.NotWaiting(message.promptId()));
      return;
    }
    Waiting now = moved.get();
    PromptFact.Moved fact =
        new PromptFact.Moved(
            now.pinnedTo(),
            now.number(),
            Math.clamp(now.rank(), -Waiting.MAX_PRIORITY, Waiting.MAX_PRIORITY));
    open.change(opened, opened.entry.moved(fact));
    journal.note(message.promptId(), fact);
    dispatch.go();
    message.replyTo().tell(new RouterProtocol.Changed());
  }

  private void drain(RouterProtocol.Drain message) {
    if (message.how() != null) {
      dispatch.drain(message.how());
    }
    RouterProtocol.DrainState state = dispatch.drained();
    boolean storing = events.isStoring();
    message
        .replyTo()
        .tell(
            new RouterProtocol.DrainState(
                state.mode(), state.running() + (storing ? 1 : 0), state.waiting()));
  }

  private void free(RouterProtocol.Free message) {
    gpus.tellAll(new GpuActor.Free(message.models()));
  }

  private void watch(RouterProtocol.Watch message) {
    getContext().watch(message.watcher());
    watchers.add(message.watcher());
  }

  private void warmUpAll(RouterProtocol.WarmUpAll message) {
    getContext()
        .pipeToSelf(
            gpus.warmUp(),
            (all, failure) ->
                new WarmUpsEnded(
                    message.replyTo(), failure == null ? all : List.of(failure.toString())));
  }

  @SuppressWarnings("unchecked") // only watchers are watched
  private Behavior<RouterProtocol.Command> onTerminated(Terminated signal) {
    watchers.remove((ActorRef<PromptEvent>) (ActorRef<?>) signal.getRef());
    return this;
  }
}
