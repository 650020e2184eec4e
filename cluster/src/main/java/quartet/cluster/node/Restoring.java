package quartet.cluster.node;

import java.time.Clock;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptLife;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.journal.Recovered;
import quartet.cluster.queue.NodeQueue;
import quartet.cluster.queue.Waiting;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;

/**
 * Takes over what an earlier start has left: history, and prompts to be queued again in their
 * order, those first that were interrupted.
 */
record Restoring(
    NodeQueue queue,
    OpenPrompts open,
    JournalLine journal,
    Clock clock,
    Consumer<PromptRecord> history,
    Enqueue enqueue) {
  /** Has a prompt wait. */
  @FunctionalInterface
  interface Enqueue {
    /** With this rank, on this device or on any. */
    void waits(OpenPrompts.Open opened, int rank, @Nullable Integer pinnedTo);
  }

  private static final Logger LOG = LoggerFactory.getLogger(Restoring.class);

  /**
   * A prompt that was running at that many ends of the server is likely their cause. High, since
   * operators kill servers for other reasons too.
   */
  private static final int MAX_ATTEMPTS = 10;

  void restore(Recovered recovered) {
    recovered.records().forEach(history);
    recovered
        .setAside()
        .forEach(
            (id, reason) ->
                LOG.error(
                    "❌ Prompt {} is set aside: {}. It stays in the journal as it is", id, reason));
    recovered.open().forEach(this::restore);
    if (!recovered.open().isEmpty() || !recovered.ended().isEmpty()) {
      LOG.info(
          "🔁 Taken over from before: {} prompts queued again, {} of them interrupted; {} in the"
              + " history",
          recovered.open().size(),
          recovered.open().stream().filter(Recovered.Open::ran).count(),
          recovered.ended().size());
    }
  }

  /** It was accepted once; a shorter queue since then is no reason to lose it. */
  void restore(Recovered.Open prompt) {
    if (prompt.ran() && prompt.attempts() >= MAX_ATTEMPTS) {
      giveUp(prompt);
      return;
    }
    Integer pinned = pinned(prompt);
    OpenPrompts.Open opened = new OpenPrompts.Open(prompt.entry());
    opened.admitted = true;
    open.add(opened);
    Waiting turn = Turns.waiting(prompt.entry());
    enqueue.waits(opened, prompt.ran() ? Waiting.INTERRUPTED : turn.rank(), pinned);
  }

  private @Nullable Integer pinned(Recovered.Open prompt) {
    Integer pinned = prompt.entry().pinnedTo();
    if (pinned == null) {
      return null;
    }
    if (!queue.gpuIds().contains(pinned)) {
      LOG.warn(
          "Prompt {} wants GPU {}, which is not there any more", prompt.job().promptId(), pinned);
      return null;
    }
    LOG.info("Routing prompt {} to GPU {} again", prompt.job().promptId(), pinned);
    return pinned;
  }

  private void giveUp(Recovered.Open prompt) {
    LOG.error(
        "❌ Prompt {} ran at {} ends of the server; giving it up",
        prompt.job().promptId(),
        prompt.attempts());
    int gpuId = prompt.placedOn() == null ? PromptLife.NOWHERE : prompt.placedOn();
    ExecutionOutcome outcome =
        ExecutionOutcome.Failed.outsideNodes(
            ErrorKind.DEVICE,
            "The server ended %d times while it ran this prompt.".formatted(prompt.attempts()));
    long now = clock.millis();
    journal.note(
        prompt.job().promptId(), new PromptFact.Ended(gpuId, outcome, List.of(), now, now));
    history.accept(new PromptRecord(prompt.job(), gpuId, outcome, List.of(), now, now));
  }
}
