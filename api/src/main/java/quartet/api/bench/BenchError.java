package quartet.api.bench;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** Why a measurement has no result. */
public enum BenchError implements ErrorCode {
  /** The server does not answer as one. */
  NO_SERVER(ErrorKind.NOT_FOUND),
  /** The server refused a prompt, or failed one. */
  PROMPT_FAILED(ErrorKind.INPUT),
  /** The trace cannot be read. */
  BAD_TRACE(ErrorKind.INPUT);

  private final ErrorKind kind;

  BenchError(ErrorKind kind) {
    this.kind = kind;
  }

  @Override
  public ErrorKind kind() {
    return kind;
  }
}
