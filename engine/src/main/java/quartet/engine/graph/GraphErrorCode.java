package quartet.engine.graph;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** What can be wrong with nodes that a node made. */
public enum GraphErrorCode implements ErrorCode {
  /** An expansion has an unknown class or a wrong input. */
  BAD_EXPANSION;

  @Override
  public ErrorKind kind() {
    return ErrorKind.INPUT;
  }
}
