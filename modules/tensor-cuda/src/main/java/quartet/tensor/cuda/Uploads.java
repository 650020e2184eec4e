package quartet.tensor.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import quartet.cuda.CudaDriver;

/**
 * Brings page-locked weights to the device ahead of the kernels that convert them. Copies run one
 * behind the other on a stream of their own, so the link does not wait for kernels: on one stream
 * each change from copy to kernel and back costs some 20 µs.
 *
 * <p>Copies write to this ring only and every weight is written by the device's own stream, which
 * waits for the copy; so memory that changes hands in the order of that stream stays right.
 *
 * <p>Most of a file's tensors are vectors of a few kilobytes beside matrices of megabytes, and for
 * such a vector a copy of its own takes as long as one of half a megabyte. So each copy brings some
 * of its neighbourhood along, and what lies there needs no copy.
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

  /** Brought along at either side: as much as a block's vectors take. */
  private static final long NEIGHBOURHOOD = 32L << 10;

  /** Copies that are looked back at. */
  private static final int REMEMBERED = 4;

  /** Kernels read weights in pieces of at most that many bytes. */
  private static final int WIDEST_READ = 16;

  private final CudaDriver driver;
  private final ChunkPool pool;
  private final long stream;
  private final long copies;
  private final MemorySegment file;
  private final ChunkPool.Block ring;
  private final long copied;
  private final long segmentBytes;
  private final long[] read = new long[SEGMENTS];
  private final Deque<Copy> recent = new ArrayDeque<>();
  private int segment;
  private long used;

  /**
   * Bytes that are in the segment in use.
   *
   * @param from where they begin in the host's memory
   * @param at where they begin in the device's
   */
  private record Copy(long from, long bytes, long at) {
    boolean holds(MemorySegment source) {
      return source.address() >= from
          && source.address() + source.byteSize() <= from + bytes
          && of(source) % WIDEST_READ == 0;
    }

    long of(MemorySegment source) {
      return at + (source.address() - from);
    }
  }

  /**
   * Takes its memory.
   *
   * @param file where all sources lie, page-locked
   * @param stream where the bytes are read
   * @param copies where they are copied; nothing else may be queued there
   * @param segmentBytes the most that can be brought at once; {@link #SEGMENT_BYTES} but for tests
   * @throws quartet.errors.EngineException if the device has no room
   */
  Uploads(
      CudaDriver driver,
      ChunkPool pool,
      MemorySegment file,
      long stream,
      long copies,
      long segmentBytes) {
    this.driver = driver;
    this.pool = pool;
    this.file = file;
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
   * Queues a copy, if the bytes are not there already.
   *
   * @param source in the file
   * @return its device address, for work that is queued on the device's stream before the next call
   */
  long bring(MemorySegment source) {
    for (Copy copy : recent) {
      if (copy.holds(source)) {
        return copy.of(source);
      }
    }
    long offset = source.address() - file.address();
    long size = source.byteSize();
    long beside = Math.min(NEIGHBOURHOOD, (segmentBytes - size) / 2);
    long before = Math.min(beside, offset) / ChunkPool.ALIGNMENT * ChunkPool.ALIGNMENT;
    long end = Math.min(offset + size + beside, file.byteSize());
    MemorySegment piece = file.asSlice(offset - before, end - (offset - before));
    if (used + piece.byteSize() > segmentBytes) {
      driver.recordEvent(read[segment], stream);
      segment = (segment + 1) % SEGMENTS;
      used = 0;
      recent.clear();
      driver.waitEvent(copies, read[segment]);
    }
    Copy copy =
        new Copy(piece.address(), piece.byteSize(), ring.address + segment * segmentBytes + used);
    driver.copyToDevice(copy.at(), piece, copies);
    driver.recordEvent(copied, copies);
    driver.waitEvent(stream, copied);
    used +=
        (piece.byteSize() + ChunkPool.ALIGNMENT - 1) / ChunkPool.ALIGNMENT * ChunkPool.ALIGNMENT;
    if (recent.size() == REMEMBERED) {
      recent.removeLast();
    }
    recent.addFirst(copy);
    return copy.of(source);
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
