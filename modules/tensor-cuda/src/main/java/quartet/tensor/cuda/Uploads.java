package quartet.tensor.cuda;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import quartet.cuda.CudaDriver;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;

/**
 * Copies of page-locked host memory on a stream of their own, so that the link is busy while
 * weights that arrived are converted on the other stream. What is to be converted goes into one of
 * two halves of device memory: one is filled while the other is read.
 *
 * <p>Cost: two halves of {@value #HALF_BYTES} bytes, from the first load until memory gets short.
 *
 * <p>Owner: the backend. Thread: the device's.
 */
final class Uploads implements AutoCloseable {
  /** Holds the largest filter of Stable Diffusion's networks in 16 bits, 2560 x 1280 x 3 x 3. */
  static final long HALF_BYTES = 64L << 20;

  private static final long ALIGNMENT = 512;

  private final CudaDriver driver;
  private final ChunkPool pool;
  private final long compute;
  private final long link;
  private final long arrived;
  private final long released;
  private final long[] read = new long[2];
  private final boolean[] busy = new boolean[2];
  private ChunkPool.@Nullable Block memory;
  private int half;
  private long used;

  /**
   * Opens the second stream.
   *
   * @param pool for the halves
   * @param compute the stream that uses what arrives
   */
  Uploads(CudaDriver driver, ChunkPool pool, long compute) {
    this.driver = driver;
    this.pool = pool;
    this.compute = compute;
    link = driver.createStream();
    arrived = driver.createEvent();
    released = driver.createEvent();
    for (int i = 0; i < read.length; i++) {
      read[i] = driver.createEvent();
    }
  }

  /**
   * Lets later copies wait for all that is queued on the other stream now: memory that was given
   * back may still be in use there.
   */
  void afterCompute() {
    driver.recordEvent(released, compute);
    driver.waitEvent(link, released);
  }

  /** Copies to where the bytes are to stay; what is queued later on the other stream sees them. */
  void copy(long target, MemorySegment source) {
    driver.copyToDevice(target, source, link);
    driver.recordEvent(arrived, link);
    driver.waitEvent(compute, arrived);
  }

  /**
   * Copies to where a kernel can read the bytes that is queued before the next call.
   *
   * @return the address, or 0 if they are too many or the device has no room for halves
   */
  long lend(MemorySegment source) {
    long bytes = source.byteSize();
    ChunkPool.Block room = bytes > HALF_BYTES ? null : room();
    if (room == null) {
      return 0;
    }
    if (used + bytes > HALF_BYTES) {
      flip();
    }
    long address = room.address + half * HALF_BYTES + used;
    copy(address, source);
    used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return address;
  }

  private ChunkPool.@Nullable Block room() {
    if (memory == null) {
      try {
        memory = pool.allocate(2 * HALF_BYTES);
      } catch (EngineException e) {
        if (e.kind() == ErrorKind.OUT_OF_MEMORY) {
          return null;
        }
        throw e;
      }
      afterCompute();
    }
    return memory;
  }

  private void flip() {
    driver.recordEvent(read[half], compute);
    busy[half] = true;
    half = 1 - half;
    used = 0;
    if (busy[half]) {
      driver.waitEvent(link, read[half]);
      busy[half] = false;
    }
  }

  /** Gives the halves back; the next load asks for them again. */
  void trim() {
    if (memory != null) {
      driver.synchronize(link);
      driver.synchronize(compute);
      pool.release(memory);
      memory = null;
      busy[0] = false;
      busy[1] = false;
      used = 0;
    }
  }

  /** Waits until all copies are done. */
  void finish() {
    driver.synchronize(link);
  }

  @Override
  public void close() {
    trim();
    for (long event : read) {
      driver.destroyEvent(event);
    }
    driver.destroyEvent(arrived);
    driver.destroyEvent(released);
    driver.destroyStream(link);
  }
}
