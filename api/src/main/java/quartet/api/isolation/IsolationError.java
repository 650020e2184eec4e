package quartet.api.isolation;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** What can go wrong with a device in a process of its own. */
public enum IsolationError implements ErrorCode {
  /** The device's process cannot be started. */
  PROCESS_NOT_STARTED(ErrorKind.DEVICE),
  /** The device's process has ended. */
  PROCESS_ENDED(ErrorKind.DEVICE),
  /** The device's process says that it has failed. */
  PROCESS_FAILED(ErrorKind.DEVICE);

  private final ErrorKind kind;

  IsolationError(ErrorKind kind) {
    this.kind = kind;
  }

  @Override
  public ErrorKind kind() {
    return kind;
  }
}
