package quartet.engine.device;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The named platform thread that all work of one device runs on. The worker is made on it and
 * closed on it, so that a device's context never meets another thread.
 */
public final class DeviceThread implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceThread.class);
  private static final long CLOSE_SECONDS = 20;

  private final ExecutorService executor;
  private final CompletableFuture<Worker> worker;

  /** Starts the thread and makes the worker on it. */
  public DeviceThread(int gpuId, Supplier<? extends Worker> maker) {
    executor =
        Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("gpu-" + gpuId).daemon(true).factory());
    worker = CompletableFuture.supplyAsync(maker::get, executor);
  }

  /** Runs something with the worker, after what was submitted before. */
  public <T> CompletableFuture<T> submit(Function<Worker, T> work) {
    return worker.thenApplyAsync(work, executor);
  }

  /** Ends a stuck worker from outside, if it can be. */
  public boolean abandon() {
    return worker.isDone() && !worker.isCompletedExceptionally() && worker.join().abandon();
  }

  /** Leaves the thread to whatever it is stuck in; nothing is closed. */
  public void leave() {
    executor.shutdown();
  }

  /** Waits for the submitted work, then closes the worker. */
  @Override
  public void close() {
    CompletableFuture<Void> closed = worker.thenAcceptAsync(Worker::close, executor);
    try {
      closed.get(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      LOG.warn(
          "a device is still working after {} s; leaving it to the process's end", CLOSE_SECONDS);
    } catch (ExecutionException e) {
      LOG.warn("a device did not close cleanly: {}", String.valueOf(e.getCause()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      executor.shutdown();
    }
  }
}
