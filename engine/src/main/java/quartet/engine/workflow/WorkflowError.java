package quartet.engine.workflow;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** Why a saved workflow cannot become a prompt. */
public enum WorkflowError implements ErrorCode {
  /** It is not of the editor's form. */
  MALFORMED_WORKFLOW,
  /** It has nodes whose class is not known here. */
  UNKNOWN_NODE_TYPE;

  @Override
  public ErrorKind kind() {
    return ErrorKind.INPUT;
  }
}
