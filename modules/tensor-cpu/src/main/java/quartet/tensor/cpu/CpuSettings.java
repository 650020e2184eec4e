package quartet.tensor.cpu;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/**
 * What the CPU devices of a process may use together.
 *
 * @param threads threads that compute
 * @param memoryBytes tensors and parameters of all devices
 * @param idleBytes freed memory that is kept for the next tensors
 * @param useOneDnn false computes products in the Vector API alone
 */
public record CpuSettings(int threads, long memoryBytes, long idleBytes, boolean useOneDnn) {
  /** Checks the numbers. */
  public CpuSettings {
    if (threads < 1 || memoryBytes < 1 || idleBytes < 0) {
      throw new IllegalArgumentException(
          "settings must be positive: %d threads, %d bytes, %d idle bytes"
              .formatted(threads, memoryBytes, idleBytes));
    }
  }

  /** All cores, nine tenths of the memory, oneDNN. */
  public static CpuSettings ofThisMachine() {
    long memory =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    return new CpuSettings(
        Runtime.getRuntime().availableProcessors(),
        memory / 10 * 9,
        Math.min(1L << 30, memory / 16),
        true);
  }

  /** The same with another number of threads. */
  public CpuSettings withThreads(int count) {
    return new CpuSettings(count, memoryBytes, idleBytes, useOneDnn);
  }

  /** The same with another amount of memory. */
  public CpuSettings withMemoryBytes(long bytes) {
    return new CpuSettings(threads, bytes, idleBytes, useOneDnn);
  }

  /** The same with or without oneDNN. */
  public CpuSettings withOneDnn(boolean use) {
    return new CpuSettings(threads, memoryBytes, idleBytes, use);
  }
}
