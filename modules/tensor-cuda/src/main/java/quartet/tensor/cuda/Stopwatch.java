package quartet.tensor.cuda;

import quartet.cuda.CudaDriver;

/** Times work on the device by two events. Owner: the backend. Thread: the device's. */
final class Stopwatch implements AutoCloseable {
  private static final int REPEATS = 8;

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

  /** Milliseconds of one run, the mean of several after one that does not count. */
  float milliseconds(Runnable work) {
    work.run();
    driver.recordEvent(start, stream);
    for (int i = 0; i < REPEATS; i++) {
      work.run();
    }
    driver.recordEvent(end, stream);
    driver.synchronizeEvent(end);
    return driver.milliseconds(start, end) / REPEATS;
  }

  @Override
  public void close() {
    driver.destroyEvent(start);
    driver.destroyEvent(end);
  }
}
