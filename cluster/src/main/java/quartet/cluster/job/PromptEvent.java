package quartet.cluster.job;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.node.ClientMessage;

/** What happens to prompts, as those who watch hear it. Events of one prompt come in order. */
public sealed interface PromptEvent {
  /** The number of waiting and running prompts has changed. */
  record QueueChanged(int remaining) implements PromptEvent {}

  /** An event of one prompt. */
  sealed interface OfPrompt extends PromptEvent {
    /** The prompt. */
    PromptJob job();
  }

  /** A device has taken the prompt. */
  record Started(PromptJob job, int gpuId, long timestampMillis) implements OfPrompt {}

  /** These nodes' results are there already. */
  record Cached(PromptJob job, List<String> nodeIds, long timestampMillis) implements OfPrompt {}

  /** A node begins. */
  record NodeStarted(PromptJob job, String nodeId) implements OfPrompt {}

  /** A node is at value of max. */
  record Progress(PromptJob job, String nodeId, int value, int max) implements OfPrompt {}

  /** A node is done and, perhaps, shows something. */
  record NodeFinished(PromptJob job, String nodeId, @Nullable ObjectNode ui, boolean cached)
      implements OfPrompt {}

  /** A node has its client told something. */
  record Message(PromptJob job, String nodeId, ClientMessage message) implements OfPrompt {}

  /** Everything about the prompt has been told: its end, its record, the shorter queue. */
  record Closed(PromptJob job) implements OfPrompt {}

  /** The prompt has ended and its record is stored. */
  record Ended(PromptJob job, int gpuId, ExecutionOutcome outcome, long timestampMillis)
      implements OfPrompt {}
}
