package quartet.tensor.cuda;

import java.lang.foreign.MemorySegment;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;
import quartet.cuda.CudaDriver;

/**
 * Page-locked memory between pageable host memory and the device, in two halves: while one is on
 * its way the other is filled. Large pieces are filled by several threads, as one core copies at a
 * fifth of the link's rate.
 *
 * <p>Owner: the backend. Thread: the device's.
 */
final class Staging implements AutoCloseable {
  static final long HALF_BYTES = 16L << 20;
  private static final long PARALLEL_BYTES = 1L << 20;

  private final CudaDriver driver;
  private final long stream;
  private final MemorySegment memory;
  private final long[] sent = new long[2];
  private final boolean[] busy = new boolean[2];
  private int next;
  private long used;

  Staging(CudaDriver driver, long stream) {
    this.driver = driver;
    this.stream = stream;
    memory = driver.allocatePinned(2 * HALF_BYTES);
    for (int i = 0; i < sent.length; i++) {
      sent[i] = driver.createEvent();
    }
  }

  /** Fills a part of the staging memory. */
  @FunctionalInterface
  interface Filler {
    /** Writes bytes {@code from} to {@code from + target.byteSize()} of the source. */
    void fill(MemorySegment target, long from);
  }

  /** Queues a copy of host memory; the source may change as soon as this returns. */
  void upload(long target, MemorySegment source) {
    upload(
        target,
        source.byteSize(),
        (part, from) -> copyParallel(part, source.asSlice(from, part.byteSize())));
  }

  /** Queues a copy of what the filler writes. */
  void upload(long target, long bytes, Filler filler) {
    for (long from = 0; from < bytes; ) {
      if (used == HALF_BYTES) {
        flip();
      }
      long part = Math.min(bytes - from, HALF_BYTES - used);
      MemorySegment room = memory.asSlice(next * HALF_BYTES + used, part);
      filler.fill(room, from);
      driver.copyToDevice(target + from, room, stream);
      used = Math.min(HALF_BYTES, (used + part + 255) / 256 * 256);
      from += part;
    }
  }

  private void flip() {
    driver.recordEvent(sent[next], stream);
    busy[next] = true;
    next = 1 - next;
    used = 0;
    if (busy[next]) {
      driver.synchronizeEvent(sent[next]);
      busy[next] = false;
    }
  }

  /** Copies from the device; returns when the numbers are there. */
  void download(MemorySegment target, long source) {
    flip();
    MemorySegment half = memory.asSlice(next * HALF_BYTES, HALF_BYTES);
    for (long from = 0; from < target.byteSize(); ) {
      long part = Math.min(target.byteSize() - from, HALF_BYTES);
      MemorySegment room = half.asSlice(0, part);
      driver.copyToHost(room, source + from, stream);
      driver.recordEvent(sent[next], stream);
      driver.synchronizeEvent(sent[next]);
      MemorySegment.copy(room, 0, target, from, part);
      from += part;
    }
  }

  private static void copyParallel(MemorySegment target, MemorySegment source) {
    long bytes = target.byteSize();
    LongConsumer piece =
        n -> {
          long from = n * PARALLEL_BYTES;
          MemorySegment.copy(source, from, target, from, Math.min(PARALLEL_BYTES, bytes - from));
        };
    LongStream pieces = LongStream.range(0, (bytes + PARALLEL_BYTES - 1) / PARALLEL_BYTES);
    (bytes > 2 * PARALLEL_BYTES ? pieces.parallel() : pieces).forEach(piece);
  }

  @Override
  public void close() {
    driver.synchronize(stream);
    for (long event : sent) {
      driver.destroyEvent(event);
    }
    driver.freePinned(memory);
  }
}
