package quartet.cluster.journal;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Many ask for a flush, few are made: whoever asks while one runs shares the next one, since only
 * one that begins after the commit can promise anything about it.
 *
 * <p>Thread: any.
 */
final class GroupFlush {
  /** Blocks until everything committed before is on the disk. */
  @FunctionalInterface
  interface Flush {
    void run() throws Exception;
  }

  private final Flush flush;
  private final Executor executor;
  private @Nullable CompletableFuture<Boolean> next;
  private boolean running;

  GroupFlush(Flush flush, Executor executor) {
    this.flush = flush;
    this.executor = executor;
  }

  /** Done once a flush that began after this call has ended. */
  synchronized CompletionStage<Boolean> request() {
    CompletableFuture<Boolean> wanted = next;
    if (wanted == null) {
      wanted = new CompletableFuture<>();
      next = wanted;
    }
    if (!running) {
      running = true;
      executor.execute(this::work);
    }
    return wanted;
  }

  private void work() {
    for (CompletableFuture<Boolean> batch = take(); batch != null; batch = take()) {
      try {
        flush.run();
        batch.complete(true);
      } catch (Exception e) {
        batch.completeExceptionally(e);
      }
    }
  }

  private synchronized @Nullable CompletableFuture<Boolean> take() {
    CompletableFuture<Boolean> batch = next;
    next = null;
    running = batch != null;
    return batch;
  }
}
