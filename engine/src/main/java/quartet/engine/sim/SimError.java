package quartet.engine.sim;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** What a simulated device can refuse. */
public enum SimError implements ErrorCode {
  /** The cost model's text is not understood. */
  BAD_COST_MODEL(ErrorKind.INPUT),
  /** The work would not fit the pretended memory. */
  SIM_OUT_OF_MEMORY(ErrorKind.OUT_OF_MEMORY);

  private final ErrorKind kind;

  SimError(ErrorKind kind) {
    this.kind = kind;
  }

  @Override
  public ErrorKind kind() {
    return kind;
  }
}
