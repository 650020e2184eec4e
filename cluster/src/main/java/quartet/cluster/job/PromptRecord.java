package quartet.cluster.job;

import java.util.List;
import quartet.engine.exec.ExecutionOutcome;

/**
 * A prompt that has ended.
 *
 * @param cached nodes whose results were there already
 */
public record PromptRecord(
    PromptJob job,
    int gpuId,
    ExecutionOutcome outcome,
    List<String> cached,
    long startedMillis,
    long endedMillis) {
  /** Copies the list. */
  public PromptRecord {
    cached = List.copyOf(cached);
  }
}
