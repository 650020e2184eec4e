package quartet.safetensors;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** How a safetensors file can fail its reader. */
public enum SafetensorsErrorCode implements ErrorCode {
  /** The file breaks the format. */
  SAFETENSORS_MALFORMED(ErrorKind.INPUT),
  /** The file is well formed but lacks the tensor asked for. */
  SAFETENSORS_TENSOR_MISSING(ErrorKind.INPUT),
  /** There is no such file. */
  SAFETENSORS_NOT_FOUND(ErrorKind.NOT_FOUND),
  /** The disk refused. */
  SAFETENSORS_UNREADABLE(ErrorKind.STORAGE);

  private final ErrorKind kind;

  SafetensorsErrorCode(ErrorKind kind) {
    this.kind = kind;
  }

  @Override
  public ErrorKind kind() {
    return kind;
  }
}
