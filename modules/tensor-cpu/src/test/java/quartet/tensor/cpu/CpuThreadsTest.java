package quartet.tensor.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Each chunk runs once, failures reach the caller, and no more threads work than there are. */
class CpuThreadsTest {
  @Test
  void eachChunkRunsOnce() {
    try (CpuThreads threads = new CpuThreads(3, () -> {})) {
      for (int chunks = 0; chunks < 200; chunks++) {
        AtomicIntegerArray runs = new AtomicIntegerArray(chunks);
        threads.run(chunks, (chunk, scratch) -> runs.incrementAndGet(chunk));
        assertThat(IntStream.range(0, chunks).map(runs::get)).allMatch(count -> count == 1);
      }
    }
  }

  @Test
  void aFailureReachesTheCallerAndTheThreadsGoOn() {
    try (CpuThreads threads = new CpuThreads(2, () -> {})) {
      for (int i = 0; i < 20; i++) {
        int failing = i;
        assertThatIllegalArgumentException()
            .isThrownBy(
                () ->
                    threads.run(
                        20,
                        (chunk, scratch) -> {
                          if (chunk == failing) {
                            throw new IllegalArgumentException("chunk " + chunk);
                          }
                        }))
            .withMessage("chunk " + i);
      }
      AtomicInteger ran = new AtomicInteger();
      threads.run(10, (chunk, scratch) -> ran.incrementAndGet());
      assertThat(ran).hasValue(10);
    }
  }

  @Test
  void manyCallersNeverWorkOnMoreThreadsThanThereAre() throws Exception {
    int callers = 6;
    AtomicInteger working = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    AtomicInteger ran = new AtomicInteger();
    try (CpuThreads threads = new CpuThreads(2, () -> {});
        ExecutorService pool = Executors.newFixedThreadPool(callers)) {
      Future<?>[] futures = new Future<?>[callers];
      for (int i = 0; i < callers; i++) {
        futures[i] =
            pool.submit(
                () -> {
                  for (int job = 0; job < 200; job++) {
                    threads.run(
                        5,
                        (chunk, scratch) -> {
                          most.accumulateAndGet(working.incrementAndGet(), Math::max);
                          ran.incrementAndGet();
                          working.decrementAndGet();
                        });
                  }
                });
      }
      for (Future<?> future : futures) {
        future.get(60, TimeUnit.SECONDS);
      }
    }
    assertThat(ran).hasValue(callers * 200 * 5);
    assertThat(most.get()).isBetween(1, 2);
  }

  @Test
  void scratchGrowsAndKeepsItsAlignment() {
    try (Scratch scratch = new Scratch()) {
      for (int count = 1; count < 1_000_000; count = count * 3 + 1) {
        long address = scratch.floats(count);
        Native.set(address + (count - 1L) * Float.BYTES, count);
        assertThat(address % 64).isZero();
        assertThat(Native.get(address + (count - 1L) * Float.BYTES)).isEqualTo(count);
      }
    }
  }
}
