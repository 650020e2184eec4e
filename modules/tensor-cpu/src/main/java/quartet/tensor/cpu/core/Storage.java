package quartet.tensor.cpu.core;

import java.lang.foreign.MemorySegment;

/**
 * A block of memory that one or more tensors look at. It goes back to its allocator when the last
 * of them is freed.
 *
 * <p>Thread: that of the scope that made it.
 */
public final class Storage {
  private final MemorySegment segment;
  private final Runnable giveBack;
  private int references = 1;

  /**
   * A storage with one reference.
   *
   * @param segment at least as long as what is stored
   * @param giveBack run once, when the last reference goes
   */
  public Storage(MemorySegment segment, Runnable giveBack) {
    this.segment = segment;
    this.giveBack = giveBack;
  }

  MemorySegment segment() {
    return segment;
  }

  long byteSize() {
    return segment.byteSize();
  }

  void retain() {
    if (references == 0) {
      throw new IllegalStateException("storage of " + byteSize() + " bytes is already freed");
    }
    references++;
  }

  void release() {
    if (references == 0) {
      throw new IllegalStateException("storage of " + byteSize() + " bytes freed twice");
    }
    if (--references == 0) {
      giveBack.run();
    }
  }

  /** Where storages come from. */
  @FunctionalInterface
  public interface Allocator {
    /** A storage whose segment has exactly {@code byteSize} bytes; its content is undefined. */
    Storage allocate(long byteSize);
  }
}
