package quartet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import quartet.cuda.fake.FakeDriver;
import quartet.testkit.Cases;
import quartet.testkit.Property;

final class UploadsTest {
  private static final int SEGMENT = 4096;
  private static final int MANY = 40;

  /** Room for all weights of a case, and little that has to be cleared for each. */
  private static final long CHUNK = 1L << 20;

  /**
   * Whatever order two streams run in: every weight is what stands in the file, also where its
   * memory was something else's a moment ago, and so is what comes after the ring in its memory.
   */
  @Test
  void weightsArriveWhole() {
    Property.check(
        "uploads",
        300,
        cases -> {
          try (FakeDriver driver = new FakeDriver(16 * CHUNK);
              Arena arena = Arena.ofConfined()) {
            driver.runApart(cases.intIn(0, Integer.MAX_VALUE - 1));
            long stream = driver.createStream();
            long copies = driver.createStream();
            ChunkPool pool =
                new ChunkPool(driver, MemoryUse.ACTIVATIONS, AllocationGate.OPEN, () -> {}, CHUNK);
            ChunkPool.Block before = pool.allocate(3L * SEGMENT);
            MemorySegment old = random(arena, cases, 3 * SEGMENT);
            MemorySegment was = arena.allocate(3L * SEGMENT);
            driver.copyToDevice(before.address, old, stream);
            driver.copyToHost(was, before.address, stream);
            pool.release(before);

            MemorySegment file = random(arena, cases, 3 * SEGMENT);
            List<MemorySegment> sources = new ArrayList<>();
            List<ChunkPool.Block> targets = new ArrayList<>();
            try (Uploads uploads = new Uploads(driver, pool, file, stream, copies, SEGMENT)) {
              for (int i = 0; i < MANY; i++) {
                int size = cases.intIn(1, i % 2 == 0 ? SEGMENT : SEGMENT / 16);
                MemorySegment source = file.asSlice(cases.intIn(0, 3 * SEGMENT - size), size);
                ChunkPool.Block target = pool.allocate(source.byteSize());
                driver.fill(target.address, (byte) 0, source.byteSize(), stream);
                driver.copyOnDevice(
                    target.address, uploads.bring(source), source.byteSize(), stream);
                sources.add(source);
                targets.add(target);
              }
              uploads.bring(sources.getFirst()); // whose reader was refused its memory
            }
            ChunkPool.Block after = pool.allocate(3L * SEGMENT);
            MemorySegment next = random(arena, cases, 3 * SEGMENT);
            driver.copyToDevice(after.address, next, stream);

            driver.synchronize(stream);
            assertThat(was.mismatch(old)).as("what the memory held before").isEqualTo(-1);
            assertThat(read(driver, arena, after.address, next).mismatch(next))
                .as("what the memory holds after")
                .isEqualTo(-1);
            for (int i = 0; i < MANY; i++) {
              MemorySegment source = sources.get(i);
              assertThat(read(driver, arena, targets.get(i).address, source).mismatch(source))
                  .as("weight %d", i)
                  .isEqualTo(-1);
            }
            pool.close();
            driver.destroyStream(stream);
            driver.destroyStream(copies);
            assertThat(driver.liveHandles()).isZero();
          }
        });
  }

  @Test
  void whatLiesBesideIsNotCopiedAgain() {
    try (FakeDriver driver = new FakeDriver(256L << 20);
        Arena arena = Arena.ofConfined()) {
      long stream = driver.createStream();
      long copies = driver.createStream();
      ChunkPool pool = new ChunkPool(driver, MemoryUse.ACTIVATIONS, AllocationGate.OPEN, () -> {});
      MemorySegment file = arena.allocate(1 << 20, 64);
      MemorySegment bias = file.asSlice(2048, 640);
      MemorySegment weight = file.asSlice(2048 + 640, 4096);
      MemorySegment behind = file.asSlice(2048 + 640 + 4096, 320);
      MemorySegment uneven = file.asSlice(2048 + 640 + 4096 + 2, 320);
      MemorySegment far = file.asSlice(1 << 19, 320);
      try (Uploads uploads =
          new Uploads(driver, pool, file, stream, copies, Uploads.SEGMENT_BYTES)) {
        long at = uploads.bring(weight);
        assertThat(uploads.bring(behind)).isEqualTo(at + 4096);
        assertThat(uploads.bring(bias)).isEqualTo(at - 640);
        assertThat(uploads.bring(uneven) % 16).as("as kernels read it").isZero();
        assertThat(uploads.bring(far)).isGreaterThan(at + (1 << 16));
      }
      pool.close();
      driver.destroyStream(stream);
      driver.destroyStream(copies);
    }
  }

  private static MemorySegment read(
      FakeDriver driver, Arena arena, long address, MemorySegment like) {
    MemorySegment back = arena.allocate(like.byteSize());
    long stream = driver.createStream();
    driver.copyToHost(back, address, stream);
    driver.synchronize(stream);
    driver.destroyStream(stream);
    return back;
  }

  private static MemorySegment random(Arena arena, Cases cases, int bytes) {
    MemorySegment memory = arena.allocate(bytes);
    for (int i = 0; i < bytes; i += 7) {
      memory.set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, (byte) cases.intIn(-128, 127));
    }
    return memory;
  }
}
