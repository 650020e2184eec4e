package quartet.errors;

/** Who has to act on an error: decides the HTTP status and whether a retry can help. */
public enum ErrorKind {
  /** The caller's input is wrong; the same request will fail again. */
  INPUT,
  /** Something named by the caller is not there. */
  NOT_FOUND,
  /** A bounded queue or budget is full; the same request may succeed later. */
  BUSY,
  /** Device memory is exhausted; a smaller plan may succeed. */
  OUT_OF_MEMORY,
  /** The device or its driver failed. */
  DEVICE,
  /** The device failed in a way that only a new process heals, such as a sticky CUDA error. */
  DEVICE_LOST,
  /** A disk, database or file failed. */
  STORAGE,
  /** The caller, or an operator, asked for the work to stop. */
  INTERRUPTED,
  /** Our own fault. */
  INTERNAL
}
