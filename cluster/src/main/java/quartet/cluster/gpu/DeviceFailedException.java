package quartet.cluster.gpu;

/** The device's thread failed outside of any node: its actor is restarted. */
final class DeviceFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  DeviceFailedException(int gpuId, Throwable cause) {
    super("device of GPU " + gpuId + " failed: " + cause, cause);
  }
}
