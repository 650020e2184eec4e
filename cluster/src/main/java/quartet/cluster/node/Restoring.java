package quartet.cluster.node;

import akka.actor.typed.ActorRef;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.gpu.GpuActor;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptRecord;
import quartet.cluster.journal.JournalProtocol;
import quartet.cluster.journal.Recovered;
import quartet.cluster.placement.GpuLoad;
import quartet.cluster.placement.Placement;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;

/**
 * Takes over what an earlier start has left: history, and prompts to be queued again in their
 * order, those first that were interrupted.
 */
record Restoring(
    GpuGroup gpus,
    OpenPrompts open,
    ActorRef<JournalProtocol.Command> journal,
    Clock clock,
    IntFunction<GpuLoad> load,
    Consumer<PromptRecord> history) {
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

  private void restore(Recovered.Open prompt) {
    if (prompt.ran() && prompt.attempts() >= MAX_ATTEMPTS) {
      giveUp(prompt);
      return;
    }
    int gpuId = place(prompt);
    OpenPrompts.Open opened = new OpenPrompts.Open(prompt.entry(), gpuId);
    opened.admitted = true;
    open.add(opened);
    if (prompt.placedOn() == null || prompt.placedOn() != gpuId) {
      note(prompt, new PromptFact.Placed(gpuId));
    }
    gpus.get(gpuId).tell(new GpuActor.Restore(prompt.job()));
  }

  private int place(Recovered.Open prompt) {
    String promptId = prompt.job().promptId();
    Integer pinned = prompt.entry().pinnedTo();
    if (pinned != null && gpus.has(pinned)) {
      LOG.info("Routing prompt {} to GPU {} again", promptId, pinned);
      return pinned;
    }
    if (pinned != null) {
      LOG.warn("Prompt {} wants GPU {}, which is not there any more", promptId, pinned);
    }
    Placement.Decision decision =
        Placement.choose(
                gpus.ids().stream().map(id -> unbounded(load.apply(id))).toList(),
                prompt.entry().checkpoints())
            .orElseThrow();
    LOG.info(
        "Routing prompt {} to GPU {} again ({})", promptId, decision.gpuId(), decision.reason());
    return decision.gpuId();
  }

  /** It was accepted once; a shorter queue since then is no reason to lose it. */
  private static GpuLoad unbounded(GpuLoad load) {
    return new GpuLoad(
        load.gpuId(), load.waiting(), Integer.MAX_VALUE, load.resident(), load.meanExecution());
  }

  private void giveUp(Recovered.Open prompt) {
    LOG.error(
        "❌ Prompt {} ran at {} ends of the server; giving it up",
        prompt.job().promptId(),
        prompt.attempts());
    int gpuId = prompt.placedOn() == null ? 0 : prompt.placedOn();
    ExecutionOutcome outcome =
        new ExecutionOutcome.Failed(
            Map.of(),
            "",
            "",
            ErrorKind.DEVICE,
            "The server ended %d times while it ran this prompt.".formatted(prompt.attempts()),
            ErrorKind.DEVICE.name(),
            List.of(),
            List.of(),
            JsonNodeFactory.instance.objectNode());
    long now = clock.millis();
    note(prompt, new PromptFact.Ended(gpuId, outcome, List.of(), now, now));
    history.accept(new PromptRecord(prompt.job(), gpuId, outcome, List.of(), now, now));
  }

  private void note(Recovered.Open prompt, PromptFact fact) {
    journal.tell(new JournalProtocol.Note(prompt.job().promptId(), fact, null));
  }
}
