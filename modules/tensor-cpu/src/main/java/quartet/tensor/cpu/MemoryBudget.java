package quartet.tensor.cpu;

import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import quartet.errors.EngineException;

/**
 * The host memory that all CPU devices share, counted in bytes.
 *
 * <p>Thread: any.
 */
final class MemoryBudget {
  private final long totalBytes;
  private final AtomicLong usedBytes = new AtomicLong();

  MemoryBudget(long totalBytes) {
    this.totalBytes = totalBytes;
  }

  /**
   * Takes bytes.
   *
   * @throws EngineException CPU_OUT_OF_MEMORY if they are not there; then nothing is taken
   */
  void take(long bytes, String what) {
    long before = usedBytes.getAndAdd(bytes);
    if (before + bytes > totalBytes) {
      usedBytes.addAndGet(-bytes);
      throw new EngineException(
          MemoryCode.CPU_OUT_OF_MEMORY,
          "%d bytes for %s do not fit: %d of %d bytes are in use. A smaller image or batch needs less."
              .formatted(bytes, what, before, totalBytes),
          Map.of(
              "requestedBytes", Long.toString(bytes),
              "usedBytes", Long.toString(before),
              "totalBytes", Long.toString(totalBytes)),
          null);
    }
  }

  void giveBack(long bytes) {
    usedBytes.addAndGet(-bytes);
  }

  long totalBytes() {
    return totalBytes;
  }

  long freeBytes() {
    return Math.max(0, totalBytes - usedBytes.get());
  }
}
