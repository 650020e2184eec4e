package quartet.engine.value;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** What can go wrong with values between nodes. */
public enum ValueError implements ErrorCode {
  /** The result has more numbers than this server's heap has room for. */
  RESULT_TOO_LARGE(ErrorKind.INPUT);

  private final ErrorKind kind;

  ValueError(ErrorKind kind) {
    this.kind = kind;
  }

  @Override
  public ErrorKind kind() {
    return kind;
  }
}
