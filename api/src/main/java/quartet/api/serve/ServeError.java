package quartet.api.serve;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** What can go wrong while a server starts. */
public enum ServeError implements ErrorCode {
  /** An option or environment variable is not understood. */
  BAD_OPTION(ErrorKind.INPUT),
  /** More devices are wanted than exist. */
  TOO_FEW_DEVICES(ErrorKind.INPUT),
  /** This build has no backend for that kind of device. */
  NO_BACKEND(ErrorKind.INPUT),
  /** A device failed its warm-up. */
  DEVICE_UNUSABLE(ErrorKind.DEVICE),
  /** The journal of an earlier start cannot be read. */
  JOURNAL_UNREADABLE(ErrorKind.STORAGE),
  /** The cluster did not let this server in. */
  CANNOT_JOIN(ErrorKind.STORAGE),
  /** The address is taken or not ours. */
  CANNOT_LISTEN(ErrorKind.INPUT);

  private final ErrorKind kind;

  ServeError(ErrorKind kind) {
    this.kind = kind;
  }

  @Override
  public ErrorKind kind() {
    return kind;
  }
}
