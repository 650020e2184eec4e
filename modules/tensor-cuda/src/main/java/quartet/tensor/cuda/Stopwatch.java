package quartet.tensor.cuda;

import quartet.cuda.CudaDriver;
import quartet.errors.EngineException;

/**
 * Times work on the device by two events. Runs are recorded as one graph where that is possible, as
 * a launch from the host takes longer than a small kernel.
 *
 * <p>Owner: the backend. Thread: the device's.
 */
final class Stopwatch implements AutoCloseable {
  private static final int REPEATS = 10;

  /** Longer work is told apart by one run, and repeating it would take minutes. */
  private static final float LONG_MILLISECONDS = 5f;

  private final CudaDriver driver;
  private final long stream;
  private final long start;
  private final long end;

  Stopwatch(CudaDriver driver, long stream) {
    this.driver = driver;
    this.stream = stream;
    start = driver.createEvent();
    end = driver.createEvent();
  }

  /** Milliseconds of one run: of several, the mean; of long ones, the second. */
  float milliseconds(Runnable work) {
    if (timed(work) > LONG_MILLISECONDS) { // or its code was loaded just now
      float again = timed(work);
      if (again > LONG_MILLISECONDS) {
        return again;
      }
    }
    long graph = recorded(work);
    if (graph == 0) {
      return timed(() -> repeat(work)) / REPEATS;
    }
    try {
      driver.launchGraph(graph, stream);
      return timed(() -> driver.launchGraph(graph, stream)) / REPEATS;
    } finally {
      driver.synchronize(stream);
      driver.destroyGraph(graph);
    }
  }

  private static void repeat(Runnable work) {
    for (int i = 0; i < REPEATS; i++) {
      work.run();
    }
  }

  private float timed(Runnable work) {
    driver.recordEvent(start, stream);
    work.run();
    driver.recordEvent(end, stream);
    driver.synchronizeEvent(end);
    return driver.milliseconds(start, end);
  }

  /** The repeated work as a graph, or 0 if it cannot be recorded. */
  private long recorded(Runnable work) {
    driver.beginCapture(stream);
    try {
      repeat(work);
      return driver.endCapture(stream);
    } catch (EngineException e) {
      driver.abandonCapture(stream);
      return 0;
    }
  }

  @Override
  public void close() {
    driver.destroyEvent(start);
    driver.destroyEvent(end);
  }
}
