package quartet.tensor.cuda;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import quartet.cuda.CudaDriver;
import quartet.cuda.CudaErrorCode;
import quartet.errors.EngineException;

/**
 * Device memory in large chunks, given out in blocks: the best fitting free piece, cut to size;
 * neighbours that are both free grow together again. A block given back is used again at once,
 * which is right because all work of a device is queued on one stream.
 *
 * <p>Chunks go back to the driver by {@link #trim} only: asking the driver waits for the device.
 *
 * <p>Owner: the backend. Thread: the device's; the counters from any.
 */
final class ChunkPool implements AutoCloseable {
  static final long ALIGNMENT = 512;
  private static final long CHUNK_BYTES = 64L << 20;

  private final long chunkBytes;

  private final CudaDriver driver;
  private final MemoryUse use;
  private final AllocationGate gate;
  private final Runnable makeRoom;
  private final List<Block> chunks = new ArrayList<>();
  private final TreeSet<Block> free =
      new TreeSet<>(
          Comparator.<Block>comparingLong(b -> b.bytes).thenComparingLong(b -> b.address));
  private final AtomicLong liveBytes = new AtomicLong();
  private final AtomicLong reservedBytes = new AtomicLong();

  /**
   * A pool.
   *
   * @param makeRoom called once when the driver has no more, before asking again
   */
  ChunkPool(CudaDriver driver, MemoryUse use, AllocationGate gate, Runnable makeRoom) {
    this(driver, use, gate, makeRoom, CHUNK_BYTES);
  }

  /**
   * A pool.
   *
   * @param makeRoom called once when the driver has no more, before asking again
   * @param chunkBytes asked of the driver at a time, if it has that many
   */
  ChunkPool(
      CudaDriver driver, MemoryUse use, AllocationGate gate, Runnable makeRoom, long chunkBytes) {
    this.chunkBytes = chunkBytes;
    this.driver = driver;
    this.use = use;
    this.gate = gate;
    this.makeRoom = makeRoom;
  }

  /** A piece of a chunk. */
  static final class Block {
    final long address;
    long bytes;
    boolean used;
    @Nullable Block before;
    @Nullable Block after;

    private Block(long address, long bytes) {
      this.address = address;
      this.bytes = bytes;
    }
  }

  /**
   * A block of at least that many bytes.
   *
   * @throws EngineException if the device has no room
   */
  Block allocate(long bytes) {
    gate.before(use, bytes);
    long wanted = Math.max(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    Block found = free.ceiling(new Block(Long.MIN_VALUE, wanted));
    if (found == null) {
      found = chunk(Math.max(wanted, chunkBytes), wanted);
    }
    free.remove(found);
    if (found.bytes > wanted) {
      Block rest = new Block(found.address + wanted, found.bytes - wanted);
      rest.before = found;
      rest.after = found.after;
      if (rest.after != null) {
        rest.after.before = rest;
      }
      found.after = rest;
      found.bytes = wanted;
      free.add(rest);
    }
    found.used = true;
    liveBytes.addAndGet(found.bytes);
    return found;
  }

  private Block chunk(long preferred, long least) {
    long bytes = preferred;
    long address = ask(bytes);
    if (address == 0 && least < preferred) {
      bytes = least;
      address = ask(bytes);
    }
    if (address == 0) {
      makeRoom.run();
      address = ask(bytes);
    }
    if (address == 0) {
      CudaDriver.Memory memory = driver.memory();
      throw new EngineException(
          CudaErrorCode.CUDA_OUT_OF_MEMORY,
          "GPU %d has no room for %,d bytes of %s: %,d of %,d bytes are free. Use a smaller size or batch."
              .formatted(
                  driver.info().ordinal(),
                  least,
                  use.name().toLowerCase(java.util.Locale.ROOT),
                  memory.freeBytes(),
                  memory.totalBytes()));
    }
    Block whole = new Block(address, bytes);
    chunks.add(whole);
    reservedBytes.addAndGet(bytes);
    return whole;
  }

  /** An address, or 0 if the device is out of memory. */
  private long ask(long bytes) {
    try {
      return driver.allocate(bytes);
    } catch (EngineException e) {
      if (e.code() == CudaErrorCode.CUDA_OUT_OF_MEMORY) {
        return 0;
      }
      throw e;
    }
  }

  /** Takes a block back. */
  void release(Block block) {
    if (!block.used) {
      throw new IllegalStateException("block %#x is given back twice".formatted(block.address));
    }
    block.used = false;
    liveBytes.addAndGet(-block.bytes);
    Block merged = block;
    Block after = block.after;
    if (after != null && !after.used) {
      free.remove(after);
      merge(merged, after);
    }
    Block before = block.before;
    if (before != null && !before.used) {
      free.remove(before);
      merge(before, merged);
      merged = before;
    }
    free.add(merged);
  }

  private static void merge(Block first, Block second) {
    first.bytes += second.bytes;
    first.after = second.after;
    if (second.after != null) {
      second.after.before = first;
    }
  }

  /** Gives chunks that nobody uses back to the driver. */
  void trim() {
    for (Block first : List.copyOf(chunks)) {
      if (!first.used && first.after == null) {
        free.remove(first);
        chunks.remove(first);
        reservedBytes.addAndGet(-first.bytes);
        driver.free(first.address);
      }
    }
  }

  /** Bytes given out. */
  long liveBytes() {
    return liveBytes.get();
  }

  /** Bytes held from the driver. */
  long reservedBytes() {
    return reservedBytes.get();
  }

  /** Gives everything back, used or not. */
  @Override
  public void close() {
    for (Block first : chunks) {
      driver.free(first.address);
    }
    chunks.clear();
    free.clear();
    liveBytes.set(0);
    reservedBytes.set(0);
  }
}
