package quartet.image;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** What can go wrong with picture files. */
public enum ImageError implements ErrorCode {
  /** The file is no picture that this server reads. */
  IMAGE_UNREADABLE(ErrorKind.INPUT),
  /** The picture has more pixels than the heap has room for. */
  IMAGE_TOO_LARGE(ErrorKind.INPUT),
  /** The file could not be written. */
  IMAGE_NOT_WRITTEN(ErrorKind.STORAGE);

  private final ErrorKind kind;

  ImageError(ErrorKind kind) {
    this.kind = kind;
  }

  @Override
  public ErrorKind kind() {
    return kind;
  }
}
