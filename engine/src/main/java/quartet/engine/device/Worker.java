package quartet.engine.device;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import quartet.engine.exec.ExecutionEvent;
import quartet.tensor.DeviceMemory;

/**
 * Whoever runs plans for one device: {@link DeviceWorker} on a backend in this process, a simulated
 * one, or one that stands for a process of its own.
 *
 * <p>Thread: the device's, but for {@link #memory} and {@link #abandon}.
 */
public interface Worker extends AutoCloseable {
  /**
   * Runs a job to its end. What a node does is in the result; an exception means that the device
   * itself has failed, and that this worker is of no more use.
   */
  DeviceWorker.Result run(DeviceWorker.Job job, Consumer<ExecutionEvent> events);

  /** Computes something small of every kind, so that the first prompt does not pay for it. */
  void warmUp();

  /** Drops cached outputs and resident models. */
  void clearCaches();

  /** Drops cached outputs only. */
  void clearOutputs();

  /** Checkpoints on the device, least recently used first. */
  List<Path> resident();

  /** What the device's memory holds now. */
  DeviceMemory memory();

  /** A name for people, for example {@code CPU, 2 threads, oneDNN 3.13}. */
  String description();

  /**
   * Ends a worker that is stuck, from outside. Any thread.
   *
   * @return whether that was possible without harm to the process; {@link #run} then throws
   */
  default boolean abandon() {
    return false;
  }

  /** Frees everything. */
  @Override
  void close();
}
