package quartet.engine.device;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that do what is left of a device's prompts when the device has done its part: writing
 * pictures above all. There are few, so that pictures that wait for a slow disk do not fill the
 * heap.
 *
 * <p>Thread: any.
 */
public final class Finishers implements AutoCloseable {
  /** Prompts of one device that can be ended at once, while it computes a further one. */
  public static final int AT_ONCE = 2;

  private static final Logger LOG = LoggerFactory.getLogger(Finishers.class);
  private static final long CLOSE_SECONDS = 20;

  private final Semaphore places = new Semaphore(AT_ONCE);
  private final ExecutorService threads;

  /** No thread is started before there is something to do. */
  public Finishers(int gpuId) {
    threads =
        Executors.newCachedThreadPool(
            Thread.ofPlatform().name("gpu-" + gpuId + "-end-", 0).daemon(true).factory());
  }

  /**
   * Runs what is left of a prompt on another thread, if one is free.
   *
   * @param taken called before that, on this thread
   * @return false if all are busy; then neither is called
   */
  public boolean offer(Runnable taken, Runnable rest) {
    if (!places.tryAcquire()) {
      return false;
    }
    taken.run();
    threads.execute(
        () -> {
          try {
            rest.run();
          } finally {
            places.release();
          }
        });
    return true;
  }

  /** Waits for what was taken. */
  @Override
  public void close() {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn(
            "a prompt is still being ended after {} s; leaving it to the process's end",
            CLOSE_SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
