package quartet.tensor.cuda;

import java.lang.foreign.MemorySegment;
import quartet.cuda.CudaDriver;

/**
 * Brings page-locked weights to the device ahead of the kernels that convert them. Copies run one
 * behind the other on a stream of their own, so the link does not wait for kernels: on one stream
 * each change from copy to kernel and back costs some 20 µs.
 *
 * <p>Copies write to this ring only and every weight is written by the device's own stream, which
 * waits for the copy; so memory that changes hands in the order of that stream stays right.
 *
 * <pre>
 * copies:  [a → segment 0] [b → segment 0] [c → segment 1] …        may overwrite a segment
 * device:       waits for a, converts a, …                          when it was read
 * </pre>
 *
 * <p>Owner: the {@link CudaParameters} that load. Thread: the device's.
 */
final class Uploads implements AutoCloseable {
  /** Holds SD1.5's and SDXL's largest filter (1280x2560x3x3 in 16 bits, 59 MB). */
  static final long SEGMENT_BYTES = 64L << 20;

  private static final int SEGMENTS = 3;

  private final CudaDriver driver;
  private final ChunkPool pool;
  private final long stream;
  private final long copies;
  private final ChunkPool.Block ring;
  private final long copied;
  private final long segmentBytes;
  private final long[] read = new long[SEGMENTS];
  private int segment;
  private long used;

  /**
   * Takes its memory.
   *
   * @param stream where the bytes are read
   * @param copies where they are copied; nothing else may be queued there
   * @param segmentBytes the most that can be brought at once; {@link #SEGMENT_BYTES} but for tests
   * @throws quartet.errors.EngineException if the device has no room
   */
  Uploads(CudaDriver driver, ChunkPool pool, long stream, long copies, long segmentBytes) {
    this.driver = driver;
    this.pool = pool;
    this.stream = stream;
    this.copies = copies;
    this.segmentBytes = segmentBytes;
    ring = pool.allocate(SEGMENTS * segmentBytes);
    copied = driver.createEvent();
    for (int i = 0; i < SEGMENTS; i++) {
      // What used this memory before must be done with it.
      read[i] = driver.createEvent();
      driver.recordEvent(read[i], stream);
    }
    driver.waitEvent(copies, read[0]);
  }

  /** Whether something of that size fits. */
  static boolean fits(long bytes) {
    return bytes <= SEGMENT_BYTES;
  }

  /**
   * Queues a copy.
   *
   * @param source page-locked
   * @return its device address, for work that is queued on the device's stream before the next call
   */
  long bring(MemorySegment source) {
    if (used + source.byteSize() > segmentBytes) {
      driver.recordEvent(read[segment], stream);
      segment = (segment + 1) % SEGMENTS;
      used = 0;
      driver.waitEvent(copies, read[segment]);
    }
    long at = ring.address + segment * segmentBytes + used;
    driver.copyToDevice(at, source, copies);
    driver.recordEvent(copied, copies);
    driver.waitEvent(stream, copied);
    used +=
        (source.byteSize() + ChunkPool.ALIGNMENT - 1) / ChunkPool.ALIGNMENT * ChunkPool.ALIGNMENT;
    return at;
  }

  @Override
  public void close() {
    pool.release(ring);
    driver.destroyEvent(copied);
    for (long event : read) {
      driver.destroyEvent(event);
    }
  }
}
