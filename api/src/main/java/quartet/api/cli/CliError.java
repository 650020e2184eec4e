package quartet.api.cli;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** What can go wrong on the command line. */
enum CliError implements ErrorCode {
  /** The file is not there or no workflow. */
  WORKFLOW_UNREADABLE(ErrorKind.INPUT),
  /** A file cannot be written. */
  CANNOT_WRITE(ErrorKind.STORAGE),
  /** A {@code --set} that fits nothing. */
  BAD_CHANGE(ErrorKind.INPUT),
  /** The workflow was refused. */
  WORKFLOW_INVALID(ErrorKind.INPUT),
  /** The server does not answer. */
  NO_SERVER(ErrorKind.NOT_FOUND),
  /** Listening beyond this machine without saying that this is meant. */
  OPEN_TO_ALL(ErrorKind.INPUT);

  private final ErrorKind kind;

  CliError(ErrorKind kind) {
    this.kind = kind;
  }

  @Override
  public ErrorKind kind() {
    return kind;
  }
}
