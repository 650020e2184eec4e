package quartet.engine.device;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.exec.Remainder;
import quartet.tensor.DeviceMemory;

/**
 * Whoever runs plans for one device: {@link DeviceWorker} on a backend in this process, a simulated
 * one, or one that stands for a process of its own.
 *
 * <p>Thread: the device's, but for {@link #memory} and {@link #abandon}, and for what {@link
 * #begin} leaves.
 */
public interface Worker extends AutoCloseable {
  /**
   * Runs a job until it ends or nothing is left of it that needs the device; the next job may begin
   * then, whether what is left has been done or not. What a node does is in the result; an
   * exception means that the device itself has failed, and that this worker is of no more use.
   *
   * @param events called on the device's thread, then on the one that does what is left
   */
  Remainder<DeviceWorker.Result> begin(DeviceWorker.Job job, Consumer<ExecutionEvent> events);

  /** Runs a job to its end, on this thread. */
  default DeviceWorker.Result run(DeviceWorker.Job job, Consumer<ExecutionEvent> events) {
    return begin(job, events).finish();
  }

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
   * @return whether that was possible without harm to the process; {@link #begin} then throws
   */
  default boolean abandon() {
    return false;
  }

  /** Frees everything. */
  @Override
  void close();
}
