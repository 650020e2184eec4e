package quartet.cluster.node;

import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.ActorContext;
import java.time.Clock;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.gpu.GpuReport;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptLife;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.job.Watchers;
import quartet.cluster.journal.JournalProtocol;
import quartet.cluster.split.SplitJoin;
import quartet.cluster.split.SplitRun;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;

/**
 * The way of what happens to prompts, from the devices to whoever watches: in order, parts of a
 * split prompt as one, and an end only after it is stored. When the journal's database is away,
 * ends are told all the same and stored later.
 *
 * <p>Thread: the router's.
 */
final class EventFlow {
  private static final Logger LOG = LoggerFactory.getLogger(EventFlow.class);

  /** The journal has answered for an end. */
  record EndStored(
      int orderKey, PromptEvent.Ended event, PromptRecord record, JournalProtocol.Answer answer)
      implements PromptRouter.Internal {}

  /** The journal has answered for a start. */
  record StartStored(String promptId, JournalProtocol.Answer answer)
      implements PromptRouter.Internal {}

  /** A split prompt's parts are one result. */
  record Joined(PromptJob job, ExecutionOutcome outcome) implements PromptRouter.Internal {}

  private final ActorContext<RouterProtocol.Command> context;
  private final NodeSettings settings;
  private final Clock clock;
  private final OpenPrompts open;
  private final History history;
  private final JournalLine journal;
  private final Dispatch dispatch;
  private final Watchers watchers;
  private final EventOrder order = new EventOrder();
  private int endsWithoutDevice;

  EventFlow(
      ActorContext<RouterProtocol.Command> context,
      NodeSettings settings,
      Clock clock,
      OpenPrompts open,
      History history,
      JournalLine journal,
      Dispatch dispatch,
      Watchers watchers) {
    this.context = context;
    this.settings = settings;
    this.clock = clock;
    this.open = open;
    this.history = history;
    this.journal = journal;
    this.dispatch = dispatch;
    this.watchers = watchers;
  }

  /** Whether an end is on its way into the journal. */
  boolean isStoring() {
    return !order.isEmpty();
  }

  /** A device tells of a prompt. */
  void happened(GpuReport.Happened happened) {
    OpenPrompts.Open known = open.find(SplitRun.promptId(happened.event().job().promptId()));
    if (known != null && known.split != null) {
      known.split.event(happened.event()).ifPresent(event -> inOrder(happened.gpuId(), event));
    } else {
      inOrder(happened.gpuId(), happened.event());
    }
  }

  /** A prompt has left its device and will end. */
  void left(GpuReport.LeftDevice left) {
    order.left(left.gpuId(), SplitRun.promptId(left.job().promptId()));
  }

  /** A device has finished a prompt, and this is its end. */
  void finished(GpuReport.Finished finished) {
    inOrder(finished.gpuId(), finished.end());
  }

  /** A device has finished a prompt that goes on elsewhere. */
  void goesOn(GpuReport.Finished finished) {
    String promptId = SplitRun.promptId(finished.end().job().promptId());
    offerAgain(finished.gpuId(), order.goesOn(finished.gpuId(), promptId));
  }

  /** A prompt will run again, as its device failed; null if it ran none. */
  void takenBack(int gpuId, @Nullable PromptJob job) {
    if (job != null) {
      offerAgain(gpuId, order.takenBack(gpuId, SplitRun.promptId(job.promptId())));
    }
  }

  private void offerAgain(int gpuId, Iterable<PromptEvent.OfPrompt> waited) {
    waited.forEach(event -> inOrder(gpuId, event));
  }

  private void inOrder(int gpuId, PromptEvent.OfPrompt event) {
    if (!order.keeps(gpuId, event)) {
      tell(gpuId, event);
    }
  }

  private void tell(int orderKey, PromptEvent.OfPrompt event) {
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
      watchers.publish(event);
    }
  }

  private void noteStart(PromptEvent.Started started) {
    String promptId = started.job().promptId();
    PromptFact fact = new PromptFact.Started(started.gpuId(), started.timestampMillis());
    if (settings.self() == null) {
      journal.note(promptId, fact);
    } else {
      journal.note(promptId, fact, answer -> new StartStored(promptId, answer));
    }
  }

  /** Begun here, although another server has taken it over: this one lets go of it. */
  void startStored(StartStored message) {
    OpenPrompts.Open opened = open.find(message.promptId());
    if (opened != null && message.answer() instanceof JournalProtocol.Foreign foreign) {
      LOG.warn(
          "Prompt {} belongs to {} by now; it is stopped here",
          message.promptId(),
          foreign.life().owner());
      opened.foreign = true;
      dispatch.interrupt(message.promptId(), null);
    }
  }

  /** An end without a run; it has an order key of its own, so that it holds no device's back. */
  void endWithoutDevice(PromptEvent.Ended ended) {
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
    dispatch.view().ending(ended.gpuId(), ended.job());
    journal.note(
        ended.job().promptId(),
        new PromptFact.Ended(
            ended.gpuId(),
            ended.outcome(),
            record.cached(),
            record.startedMillis(),
            record.endedMillis()),
        answer -> new EndStored(orderKey, ended, record, answer));
  }

  void endStored(EndStored message) {
    String promptId = message.event().job().promptId();
    OpenPrompts.Open known = open.remove(promptId);
    if (known != null) {
      known.answer(known.accepted());
    }
    switch (message.answer()) {
      case JournalProtocol.Foreign foreign -> {
        LOG.warn(
            "The end of prompt {} does not count: it belongs to {}",
            promptId,
            foreign.life().owner());
        dispatch.view().ended(promptId);
        watchers.queueLength(open.size());
      }
      case JournalProtocol.Stored ignored -> told(message);
      case JournalProtocol.Away ignored -> {
        LOG.warn("The end of prompt {} is not in the journal yet; it is tried again", promptId);
        told(message);
      }
    }
    offerAgain(message.orderKey(), order.release(message.orderKey(), promptId));
  }

  private void told(EndStored end) {
    history.keep(end.record());
    dispatch.view().ended(end.event().job().promptId());
    watchers.publish(end.event());
    watchers.queueLength(open.size());
    watchers.publish(new PromptEvent.Closed(end.event().job()));
  }

  /** All parts have run: their pictures get their names. */
  void join(OpenPrompts.Open opened) {
    SplitRun split = Objects.requireNonNull(opened.split);
    Executor blocking = context.getSystem().dispatchers().lookup(DispatcherSelector.blocking());
    context.pipeToSelf(
        CompletableFuture.supplyAsync(
            () -> SplitJoin.join(split, settings.output(), name -> Located.place(name).subfolder()),
            blocking),
        (outcome, failure) ->
            new Joined(
                opened.job(),
                outcome != null
                    ? outcome
                    : ExecutionOutcome.Failed.outsideNodes(
                        ErrorKind.STORAGE, String.valueOf(failure))));
  }

  void joined(Joined message) {
    OpenPrompts.Open opened = open.find(message.job().promptId());
    if (opened == null) {
      return;
    }
    int gpuId = opened.gpuId == null ? PromptLife.NOWHERE : opened.gpuId;
    ExecutionOutcome outcome = Located.on(settings.filesOn(), message.outcome());
    outcome
        .shown()
        .forEach(
            (id, ui) ->
                watchers.publish(new PromptEvent.NodeFinished(message.job(), id, ui, false)));
    endWithoutDevice(new PromptEvent.Ended(message.job(), gpuId, outcome, clock.millis()));
  }
}
