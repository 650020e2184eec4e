package quartet.cluster.gpu;

import org.jspecify.annotations.Nullable;

/** The device failed outside of what a prompt may do wrong: its actor is restarted. */
final class DeviceFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  DeviceFailedException(int gpuId, String reason, @Nullable Throwable cause) {
    super("GPU " + gpuId + ": " + reason, cause);
  }
}
