package quartet.cluster.node;

import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptLife;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.job.Watchers;
import quartet.cluster.journal.JournalProtocol;

/**
 * Takes prompts in: numbers them, has them stored, and answers for them then.
 *
 * <p>Thread: the router's.
 */
final class Admission {
  private static final Logger LOG = LoggerFactory.getLogger(Admission.class);

  /** The journal has answered. */
  record AcceptStored(String promptId, JournalProtocol.Answer answer)
      implements PromptRouter.Internal {}

  private final NodeSettings settings;
  private final Clock clock;
  private final OpenPrompts open;
  private final History history;
  private final JournalLine journal;
  private final GpuGroup gpus;
  private final Dispatch dispatch;
  private final Watchers watchers;
  private long counter;

  Admission(
      NodeSettings settings,
      Clock clock,
      OpenPrompts open,
      History history,
      JournalLine journal,
      GpuGroup gpus,
      Dispatch dispatch,
      Watchers watchers) {
    this.settings = settings;
    this.clock = clock;
    this.open = open;
    this.history = history;
    this.journal = journal;
    this.gpus = gpus;
    this.dispatch = dispatch;
    this.watchers = watchers;
  }

  /** The number that the next prompt gets. */
  long counter() {
    return counter;
  }

  /** Numbers go on from there, if they are not further. */
  void countFrom(long number) {
    counter = Math.max(counter, number);
  }

  /** A prompt that was refused before it came here takes a number too. */
  void count() {
    counter++;
  }

  void expect(RouterProtocol.Expect message) {
    if (open.find(message.promptId()) == null && !history.has(message.promptId())) {
      journal.tell(new JournalProtocol.Expect(message.promptId()));
    }
  }

  void submit(RouterProtocol.Submit request) {
    Integer pinned = request.gpuId();
    if (pinned != null && !gpus.has(pinned)) {
      counter++;
      request.replyTo().tell(new RouterProtocol.NoSuchGpu(pinned, gpus.ids()));
      return;
    }
    if (answeredAsKnown(request)) {
      return;
    }
    if (dispatch.draining()) {
      request.replyTo().tell(new RouterProtocol.Draining());
      return;
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
      return;
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
    journal.ask(
        replyTo -> new JournalProtocol.Accept(job.promptId(), facts, replyTo),
        answer -> new AcceptStored(job.promptId(), answer));
  }

  /** A prompt id that is known already gets the answer it got before, or is refused. */
  private boolean answeredAsKnown(RouterProtocol.Submit request) {
    OpenPrompts.Open known = open.find(request.promptId());
    Optional<PromptRecord> ended = history.find(request.promptId());
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
        seconds(dispatch.view().expectedWaitSeconds(one)),
        seconds(dispatch.view().secondsToNextEnd(one)));
  }

  private static Duration seconds(double seconds) {
    return Duration.ofMillis(Math.round(seconds * 1000));
  }

  void stored(AcceptStored message) {
    OpenPrompts.Open opened = open.find(message.promptId());
    if (opened == null) {
      return;
    }
    switch (message.answer()) {
      case JournalProtocol.Stored stored
          when stored.life() instanceof PromptLife.Queued
              || stored.life() instanceof PromptLife.Placed -> {
        opened.admitted = true;
        opened.answer(opened.accepted());
        dispatch.add(opened);
        watchers.queueLength(open.size());
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
          journal.forget(Set.of(message.promptId()));
        }
        opened.answer(new RouterProtocol.StorageAway(away.reason()));
      }
    }
  }
}
