package quartet.tensor;

/**
 * One device's way of computing. The engine knows this interface and never an implementation.
 *
 * <p>Thread: all calls but {@link #memory} come from the device's own thread.
 */
public interface Backend extends AutoCloseable {
  /** The device it computes on. */
  Device device();

  /** A name for people, for example {@code CPU, 2 threads, oneDNN 3.13}. */
  String description();

  /** Opens a root scope. */
  TensorScope openScope(String purpose);

  /**
   * Opens the place where one checkpoint's parameters live on this device. Backends whose devices
   * share memory (the virtual CPU devices) prepare the parameters of one {@code sourceId} once and
   * share them until the last {@link Parameters} of that id is closed.
   *
   * @param sourceId identifies the immutable source of the weights, for example file path, size and
   *     modification time
   */
  Parameters openParameters(String sourceId);

  /** What the device's memory holds now. May be called from any thread. */
  DeviceMemory memory();

  /** Frees everything. */
  @Override
  void close();
}
