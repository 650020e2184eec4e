package quartet.cuda;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** Trouble with a GPU, its driver or its libraries. */
public enum CudaErrorCode implements ErrorCode {
  /** Device memory is exhausted. */
  CUDA_OUT_OF_MEMORY(ErrorKind.OUT_OF_MEMORY),
  /** A call was refused for its arguments. */
  CUDA_BAD_CALL(ErrorKind.INTERNAL),
  /** The process can no longer use the device. */
  CUDA_CONTEXT_POISONED(ErrorKind.DEVICE_LOST),
  /** The device is gone. */
  CUDA_DEVICE_GONE(ErrorKind.DEVICE_LOST),
  /** Driver, card or library cannot do it. */
  CUDA_UNSUPPORTED(ErrorKind.DEVICE),
  /** A library that is needed was not found. */
  CUDA_LIBRARY_MISSING(ErrorKind.NOT_FOUND),
  /** A kernel did not compile. */
  CUDA_COMPILE_FAILED(ErrorKind.INTERNAL);

  private final ErrorKind kind;

  CudaErrorCode(ErrorKind kind) {
    this.kind = kind;
  }

  @Override
  public ErrorKind kind() {
    return kind;
  }

  /** The code that stands for a fault. */
  static CudaErrorCode of(CudaFault fault) {
    return switch (fault) {
      case CudaFault.OutOfMemory _ -> CUDA_OUT_OF_MEMORY;
      case CudaFault.BadCall _ -> CUDA_BAD_CALL;
      case CudaFault.ContextPoisoned _ -> CUDA_CONTEXT_POISONED;
      case CudaFault.DeviceGone _ -> CUDA_DEVICE_GONE;
      case CudaFault.Unsupported _ -> CUDA_UNSUPPORTED;
    };
  }
}
