package quartet.tensor.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The worker threads that all virtual CPU devices share.
 *
 * <p>A job is a number of chunks. The thread that starts it works on it at once, workers that are
 * free join in, and each takes the next chunk until none is left. Whoever works holds one of as
 * many permits as there are threads, so four devices at once keep the cores exactly busy; a permit
 * is given back before waiting, so nobody waits for a thread that waits for a permit. Which thread
 * ran a chunk never matters: chunks are cut by shapes alone and write to places of their own.
 *
 * <p>Thread: {@link #run} from any thread, but not from inside a chunk.
 */
final class CpuThreads implements AutoCloseable {
  /** About what waking a parked thread costs on Linux; spinning longer than that cannot pay. */
  private static final long SPIN_NANOS = 20_000;

  private final int threads;
  private final Runnable prepareThread;
  private final Semaphore permits;
  private final LinkedBlockingQueue<Job> invitations = new LinkedBlockingQueue<>();
  private final ConcurrentLinkedDeque<Scratch> scratches = new ConcurrentLinkedDeque<>();
  private final List<Thread> workers = new ArrayList<>();
  private volatile boolean closed;

  /**
   * Starts {@code threads - 1} workers.
   *
   * @param prepareThread run on each thread before it works on a job
   */
  CpuThreads(int threads, Runnable prepareThread) {
    this.threads = threads;
    this.prepareThread = prepareThread;
    this.permits = new Semaphore(threads, true);
    for (int i = 1; i < threads; i++) {
      Thread worker = Thread.ofPlatform().daemon().name("quartet-cpu-" + i).unstarted(this::work);
      workers.add(worker);
      worker.start();
    }
  }

  int threads() {
    return threads;
  }

  /** What to do with one chunk. */
  @FunctionalInterface
  interface Body {
    void run(int chunk, Scratch scratch);
  }

  /**
   * Runs chunks {@code 0 .. chunks-1} and returns when all are done. The first failure is thrown
   * here, after the chunks in flight have ended.
   */
  void run(int chunks, Body body) {
    if (chunks <= 0) {
      return;
    }
    Job job = new Job(chunks, body, Thread.currentThread());
    if (chunks > 1) {
      int helpers = Math.min(chunks, threads) - 1;
      for (int i = 0; i < helpers; i++) {
        invitations.add(job);
      }
    }
    permits.acquireUninterruptibly();
    try {
      help(job);
    } finally {
      permits.release();
    }
    job.await();
  }

  private void work() {
    while (!closed) {
      Job job = nextInvitation();
      if (job == null) {
        return;
      }
      if (job.hasChunks()) {
        permits.acquireUninterruptibly();
        try {
          help(job);
        } finally {
          permits.release();
        }
      }
    }
  }

  private @Nullable Job nextInvitation() {
    long end = System.nanoTime() + SPIN_NANOS;
    do {
      Job job = invitations.poll();
      if (job != null) {
        return job;
      }
      Thread.onSpinWait();
    } while (System.nanoTime() < end);
    try {
      return invitations.take();
    } catch (InterruptedException e) {
      // Only close() interrupts a worker.
      return null;
    }
  }

  private void help(Job job) {
    Scratch scratch = scratches.pollFirst();
    if (scratch == null) {
      scratch = new Scratch();
    }
    try {
      prepareThread.run();
      job.work(scratch);
    } finally {
      scratches.addFirst(scratch);
    }
  }

  @Override
  public void close() {
    closed = true;
    workers.forEach(Thread::interrupt);
    for (Thread worker : workers) {
      boolean interrupted = false;
      while (true) {
        try {
          worker.join();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
    scratches.forEach(Scratch::close);
    scratches.clear();
  }

  /** Chunks handed out one by one. */
  private static final class Job {
    private final int chunks;
    private final Body body;
    private final Thread starter;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger unfinished;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    Job(int chunks, Body body, Thread starter) {
      this.chunks = chunks;
      this.body = body;
      this.starter = starter;
      this.unfinished = new AtomicInteger(chunks);
    }

    boolean hasChunks() {
      return next.get() < chunks;
    }

    // A failing chunk must not leave the starter waiting, whatever it threw.
    void work(Scratch scratch) {
      for (int chunk = next.getAndIncrement(); chunk < chunks; chunk = next.getAndIncrement()) {
        try {
          if (failure.get() == null) {
            body.run(chunk, scratch);
          }
        } catch (RuntimeException | Error e) {
          failure.compareAndSet(null, e);
        } finally {
          if (unfinished.decrementAndGet() == 0) {
            LockSupport.unpark(starter);
          }
        }
      }
    }

    void await() {
      long end = System.nanoTime() + SPIN_NANOS;
      while (unfinished.get() > 0) {
        if (System.nanoTime() < end) {
          Thread.onSpinWait();
        } else {
          LockSupport.park(this);
        }
      }
      Throwable first = failure.get();
      if (first instanceof Error error) {
        throw error;
      }
      if (first instanceof RuntimeException exception) {
        throw exception;
      }
    }
  }
}
