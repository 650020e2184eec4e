package quartet.api.auth;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** What can be wrong with the file of keys. */
public enum AuthError implements ErrorCode {
  /** It cannot be read or written, or a line is not understood. */
  BAD_KEY_FILE;

  @Override
  public ErrorKind kind() {
    return ErrorKind.INPUT;
  }
}
