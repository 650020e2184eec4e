package quartet.tensor.cpu;

import java.lang.foreign.Arena;

/**
 * Working memory of one thread for the length of one chunk. It grows and is used again, so a chunk
 * allocates nothing once the sizes have been seen.
 *
 * <p>Owner: {@link CpuThreads}.
 */
// The arenas are closed by hand: they live as long as the block in them.
@SuppressWarnings("MustBeClosedChecker")
final class Scratch implements AutoCloseable {
  private static final int ALIGNMENT = 64;

  private Arena arena = Arena.ofShared();
  private long address;
  private long capacity;

  /** The address of at least {@code bytes} bytes of undefined content. */
  long floats(long count) {
    long bytes = count * Float.BYTES;
    if (bytes > capacity) {
      arena.close();
      arena = Arena.ofShared();
      // A quarter more, so that slowly growing sizes do not allocate each time.
      capacity = bytes + bytes / 4;
      address = arena.allocate(capacity, ALIGNMENT).address();
    }
    return address;
  }

  @Override
  public void close() {
    arena.close();
    capacity = 0;
  }
}
