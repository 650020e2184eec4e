package quartet.api.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.ref.Reference;
import org.junit.jupiter.api.Test;

/** What is said to be in use when the heap was last collected. */
final class ProcessFiguresTest {
  private static final int BLOCK = 64 << 20;

  /** Large arrays are old from the start, and collections of the young leave the old alone. */
  @Test
  void whatIsOldCountsFromTheNextCollectionOfTheYoungOn() {
    System.gc();
    long before = ProcessFigures.heapAfterCollection();
    byte[] held = new byte[BLOCK];
    try {
      long collections = collections();
      while (collections() == collections) {
        assertThat(new byte[1 << 16]).isNotEmpty();
      }
      assertThat(ProcessFigures.heapAfterCollection() - before).isGreaterThan(BLOCK / 2);
    } finally {
      Reference.reachabilityFence(held);
    }
  }

  private static long collections() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .mapToLong(GarbageCollectorMXBean::getCollectionCount)
        .sum();
  }
}
