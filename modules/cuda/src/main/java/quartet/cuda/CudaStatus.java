package quartet.cuda;

import java.util.Map;
import quartet.errors.EngineException;

/**
 * Status codes to faults: the only place that knows what a number means. Source: cuda.h {@code
 * CUresult}, cublas_api.h {@code cublasStatus_t}, cudnn_graph.h {@code cudnnStatus_t}.
 */
public final class CudaStatus {
  private static final int SUCCESS = 0;

  private CudaStatus() {}

  /** What a driver status other than 0 means. */
  public static CudaFault driver(int status) {
    return switch (status) {
      case 2 -> new CudaFault.OutOfMemory();
      // illegal address, launch timeout, assert, hardware stack error, illegal instruction,
      // misaligned address, invalid address space, invalid pc, launch failed, tensor memory leak
      case 700, 702, 710, 714, 715, 716, 717, 718, 719, 721 -> new CudaFault.ContextPoisoned();
      // no device, invalid device, device not licensed, ECC, NVLink, device unavailable, unknown
      case 3, 46, 100, 101, 102, 214, 220, 226, 999 -> new CudaFault.DeviceGone();
      // no kernel image, invalid PTX, unsupported PTX version, not found, not permitted,
      // not supported, system not ready, driver mismatch, compat not supported
      case 34, 35, 36, 209, 218, 222, 500, 800, 801, 802, 803, 804 -> new CudaFault.Unsupported();
      default -> new CudaFault.BadCall();
    };
  }

  /** Whether a status met while opening a device is more than "somebody was here before". */
  public static boolean isFatalAtStart(int status) {
    int primaryContextActive = 708;
    return status != SUCCESS && status != primaryContextActive;
  }

  /** What a cuBLAS status other than 0 means. */
  public static CudaFault cublas(int status) {
    return switch (status) {
      case 3 -> new CudaFault.OutOfMemory();
      case 8, 15 -> new CudaFault.Unsupported();
      // execution failed, internal error: a kernel of it died; the driver's next status tells more
      case 13, 14 -> new CudaFault.ContextPoisoned();
      default -> new CudaFault.BadCall();
    };
  }

  /** What a cuDNN 9 status other than 0 means. */
  public static CudaFault cudnn(int status) {
    return switch (status) {
      case 4003, 4004 -> new CudaFault.OutOfMemory();
      case 1001,
          1002,
          1008,
          3000,
          3001,
          3002,
          3003,
          3004,
          3005,
          3006,
          3007,
          3008,
          3009,
          3010,
          3011,
          3012,
          3013,
          3014 ->
          new CudaFault.Unsupported();
      case 5000, 5001, 5002, 5003, 5004 -> new CudaFault.ContextPoisoned();
      default -> new CudaFault.BadCall();
    };
  }

  /**
   * Passes a driver's success.
   *
   * @throws EngineException with the fault's code and the context {@code status} and {@code sticky}
   */
  public static void check(int status, String call, String name) {
    if (status != SUCCESS) {
      throw failure(driver(status), status, call, name);
    }
  }

  /** The exception for a fault. */
  public static EngineException failure(CudaFault fault, int status, String call, String name) {
    String advice =
        switch (fault) {
          case CudaFault.OutOfMemory _ ->
              "The device's memory is exhausted; a smaller size or batch may fit.";
          case CudaFault.BadCall _ -> "This is a defect of Quartet; please report it with the log.";
          case CudaFault.ContextPoisoned _ ->
              "The device is unusable for this process, which has to be started again.";
          case CudaFault.DeviceGone _ ->
              "The device does not answer; see nvidia-smi and the kernel's log.";
          case CudaFault.Unsupported _ ->
              "This driver, card or library cannot do it; `quartet doctor` lists what is there.";
        };
    return new EngineException(
        CudaErrorCode.of(fault),
        "%s failed with %d (%s). %s".formatted(call, status, name, advice),
        Map.of("status", Integer.toString(status), "sticky", Boolean.toString(fault.sticky())),
        null);
  }

  /** Whether an exception says that only a new process helps. */
  public static boolean isSticky(Throwable failure) {
    return failure instanceof EngineException engine
        && "true".equals(engine.context().get("sticky"));
  }
}
