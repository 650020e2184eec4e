package quartet.engine.sampling;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** How a sampling request can be wrong. */
public enum SamplingErrorCode implements ErrorCode {
  /** No sampler of that name. */
  SAMPLER_UNKNOWN(ErrorKind.INPUT),
  /** No scheduler of that name. */
  SCHEDULER_UNKNOWN(ErrorKind.INPUT),
  /** Steps, sizes or channels that do not fit the model. */
  SAMPLING_REQUEST_INVALID(ErrorKind.INPUT);

  private final ErrorKind kind;

  SamplingErrorCode(ErrorKind kind) {
    this.kind = kind;
  }

  @Override
  public ErrorKind kind() {
    return kind;
  }
}
