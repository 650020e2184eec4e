package quartet.tensor.cpu;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** How the CPU backend's memory can fail. */
public enum MemoryCode implements ErrorCode {
  /** A tensor or parameter does not fit into the memory the CPU devices may use. */
  CPU_OUT_OF_MEMORY;

  @Override
  public ErrorKind kind() {
    return ErrorKind.OUT_OF_MEMORY;
  }
}
