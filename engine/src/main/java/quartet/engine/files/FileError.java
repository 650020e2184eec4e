package quartet.engine.files;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** What can go wrong with names of files. */
public enum FileError implements ErrorCode {
  /** No such model file. */
  MODEL_NOT_FOUND(ErrorKind.NOT_FOUND),
  /** No such picture. */
  IMAGE_NOT_FOUND(ErrorKind.NOT_FOUND),
  /** The name leads out of its folder. */
  PATH_OUTSIDE_FOLDER(ErrorKind.INPUT),
  /** The folder cannot be made or listed. */
  FOLDER_UNUSABLE(ErrorKind.STORAGE);

  private final ErrorKind kind;

  FileError(ErrorKind kind) {
    this.kind = kind;
  }

  @Override
  public ErrorKind kind() {
    return kind;
  }
}
