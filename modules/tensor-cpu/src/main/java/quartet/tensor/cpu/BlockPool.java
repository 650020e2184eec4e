package quartet.tensor.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import quartet.tensor.cpu.core.Storage;

/**
 * The off-heap blocks of all devices of a host, kept for the next tensor of about the same size.
 *
 * <p>Sampling asks for the same sizes at every step, and fresh memory costs a page fault per 4 KiB
 * and a wipe; so a freed block waits in a list of its size class. Classes are an eighth of a power
 * of two apart: at most 12.5 % of a block is unused. What waits is bounded; beyond that the largest
 * idle blocks go back to the system. The budget counts idle blocks as free, and they are released
 * before a request is refused.
 *
 * <p>One pool for all devices, because virtual devices take turns on the same cores: what one has
 * freed, the next one uses, and four devices that ran one after the other hold no more than one.
 *
 * <p>Owner: {@link CpuHost}. Thread: any.
 */
final class BlockPool implements AutoCloseable {
  private static final int ALIGNMENT = 64;
  private static final long SMALLEST = 1024;

  private final MemoryBudget budget;
  private final long idleLimit;
  private final TreeMap<Long, ArrayDeque<Block>> idle = new TreeMap<>();
  private final AtomicLong liveBytes = new AtomicLong();
  private long idleBytes;
  private boolean closed;

  BlockPool(MemoryBudget budget, long idleLimit) {
    this.budget = budget;
    this.idleLimit = idleLimit;
  }

  /** A storage of exactly that size; its block may be somewhat larger. */
  Storage allocate(long byteSize) {
    return allocate(byteSize, liveBytes);
  }

  /**
   * The same, counted for one device.
   *
   * @param counter goes up by the block now and down when it comes back
   */
  Storage allocate(long byteSize, AtomicLong counter) {
    long capacity = sizeClass(byteSize);
    budget.take(capacity, "a tensor");
    Block block;
    try {
      block = take(capacity);
    } catch (RuntimeException | Error e) {
      budget.giveBack(capacity);
      throw e;
    }
    counter.addAndGet(capacity);
    return new Storage(block.segment.asSlice(0, byteSize), () -> giveBack(block, counter));
  }

  /** Bytes of the blocks in use that no device has counted as its own. */
  long liveBytes() {
    return liveBytes.get();
  }

  /** Bytes of the blocks that wait. */
  synchronized long idleBytes() {
    return idleBytes;
  }

  static long sizeClass(long byteSize) {
    if (byteSize <= SMALLEST) {
      return SMALLEST;
    }
    long step = Math.max(ALIGNMENT, Long.highestOneBit(byteSize - 1) / 8);
    return (byteSize + step - 1) / step * step;
  }

  private synchronized Block take(long capacity) {
    ArrayDeque<Block> waiting = idle.get(capacity);
    if (waiting != null) {
      Block block = waiting.removeLast();
      if (waiting.isEmpty()) {
        idle.remove(capacity);
      }
      idleBytes -= capacity;
      return block;
    }
    try {
      return new Block(capacity);
    } catch (OutOfMemoryError e) {
      // The system has no more: what we hold for later may be enough for now.
      trim(0);
      return new Block(capacity);
    }
  }

  private synchronized void giveBack(Block block, AtomicLong counter) {
    counter.addAndGet(-block.capacity);
    budget.giveBack(block.capacity);
    if (closed) {
      block.arena.close();
      return;
    }
    idle.computeIfAbsent(block.capacity, size -> new ArrayDeque<>()).addLast(block);
    idleBytes += block.capacity;
    trim(idleLimit);
  }

  private void trim(long limit) {
    while (idleBytes > limit) {
      Map.Entry<Long, ArrayDeque<Block>> largest = idle.lastEntry();
      Block block = largest.getValue().removeFirst();
      if (largest.getValue().isEmpty()) {
        idle.remove(largest.getKey());
      }
      idleBytes -= block.capacity;
      block.arena.close();
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    trim(0);
  }

  /** A piece of memory with an arena of its own, so that it can go alone. */
  // The pool closes the arena when the block goes.
  @SuppressWarnings("MustBeClosedChecker")
  private static final class Block {
    private final Arena arena = Arena.ofShared();
    private final long capacity;
    private final MemorySegment segment;

    Block(long capacity) {
      this.capacity = capacity;
      this.segment = arena.allocate(capacity, ALIGNMENT);
    }
  }
}
