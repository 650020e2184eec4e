package quartet.tensor;

import java.lang.foreign.MemorySegment;

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

  /**
   * The same, for weights that lie in one region of mapped memory: a backend may page-lock it to
   * copy at the link's full rate. The region must stay mapped until the parameters are closed.
   */
  default Parameters openParameters(String sourceId, MemorySegment region) {
    return openParameters(sourceId);
  }

  /**
   * A function that is worth recording; by default it is computed plainly.
   *
   * @param purpose for people
   */
  default Replay replay(String purpose, Replay.Body body) {
    return Replay.plain(body);
  }

  /** What the device's memory holds now. May be called from any thread. */
  DeviceMemory memory();

  /** Frees everything. */
  @Override
  void close();
}
