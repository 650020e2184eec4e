package quartet.cluster.gpu;

import org.jspecify.annotations.Nullable;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;

/**
 * Prompts in a row that ended without memory although caches were cleared for them. One is too
 * large; after a few of them it is the device that is suspected, of memory that nobody gives back.
 *
 * @param inARow how many
 */
record MemoryStorm(int inARow) {
  /** So many are too many. */
  private static final int STORM = 3;

  /** None yet. */
  static final MemoryStorm CALM = new MemoryStorm(0);

  /**
   * One more prompt has left the device.
   *
   * @param outcome how it ended, or null if it has not: then the device had memory enough
   */
  MemoryStorm after(@Nullable ExecutionOutcome outcome) {
    return outcome instanceof ExecutionOutcome.Failed failed
            && failed.kind() == ErrorKind.OUT_OF_MEMORY
        ? new MemoryStorm(inARow + 1)
        : CALM;
  }

  /** What it says about the device. */
  Diagnosis diagnosis() {
    return inARow >= STORM
        ? new Diagnosis.Failed(STORM + " prompts in a row ran out of memory", null)
        : new Diagnosis.Well();
  }
}
