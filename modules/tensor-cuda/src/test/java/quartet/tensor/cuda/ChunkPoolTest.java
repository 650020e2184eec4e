package quartet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import quartet.cuda.CudaErrorCode;
import quartet.cuda.fake.FakeDriver;
import quartet.errors.EngineException;
import quartet.testkit.Property;

final class ChunkPoolTest {
  private static final long MIB = 1L << 20;

  private static ChunkPool pool(FakeDriver driver) {
    return new ChunkPool(driver, MemoryUse.ACTIVATIONS, AllocationGate.OPEN, () -> {});
  }

  @Test
  void blocksNeverOverlapAndAllComeBack() {
    Property.check(
        "blocks",
        40,
        cases -> {
          try (FakeDriver driver = new FakeDriver(512 * MIB);
              ChunkPool pool =
                  new ChunkPool(
                      driver, MemoryUse.ACTIVATIONS, AllocationGate.OPEN, () -> {}, 4 * MIB)) {
            List<ChunkPool.Block> live = new ArrayList<>();
            for (int step = 0; step < 200; step++) {
              if (live.isEmpty() || cases.coin()) {
                live.add(pool.allocate(cases.longIn(1, 200_000)));
              } else {
                pool.release(live.remove(cases.intIn(0, live.size() - 1)));
              }
              long sum = 0;
              for (ChunkPool.Block a : live) {
                assertThat(a.address % ChunkPool.ALIGNMENT).isZero();
                sum += a.bytes;
                for (ChunkPool.Block b : live) {
                  boolean apart =
                      a == b
                          || a.address + a.bytes <= b.address
                          || b.address + b.bytes <= a.address;
                  assertThat(apart).isTrue();
                }
              }
              assertThat(pool.liveBytes()).isEqualTo(sum);
            }
            live.forEach(pool::release);
            assertThat(pool.liveBytes()).isZero();
            pool.trim();
            assertThat(pool.reservedBytes()).isZero();
            assertThat(driver.liveBlocks()).isZero();
          }
        });
  }

  @Test
  void freedNeighboursGrowTogether() {
    try (FakeDriver driver = new FakeDriver(64 * MIB);
        ChunkPool pool = pool(driver)) {
      ChunkPool.Block a = pool.allocate(20 * MIB);
      ChunkPool.Block b = pool.allocate(20 * MIB);
      ChunkPool.Block c = pool.allocate(20 * MIB);
      pool.release(a);
      pool.release(c);
      pool.release(b);
      assertThat(pool.allocate(60 * MIB).address).isEqualTo(a.address);
    }
  }

  @Test
  void aFullDeviceAsksForRoomOnceAndThenSaysHowMuchIsMissing() {
    try (FakeDriver driver = new FakeDriver(100 * MIB)) {
      List<String> asked = new ArrayList<>();
      try (ChunkPool pool =
          new ChunkPool(driver, MemoryUse.WEIGHTS, AllocationGate.OPEN, () -> asked.add("room"))) {
        ChunkPool.Block held = pool.allocate(90 * MIB);
        assertThatThrownBy(() -> pool.allocate(20 * MIB))
            .isInstanceOfSatisfying(
                EngineException.class,
                e -> assertThat(e.code()).isEqualTo(CudaErrorCode.CUDA_OUT_OF_MEMORY))
            .hasMessageContaining("20,971,520")
            .hasMessageContaining("weights");
        assertThat(asked).hasSize(1);
        assertThat(pool.liveBytes()).isEqualTo(held.bytes);
      }
    }
  }

  @Test
  void aGateCanRefuseAnyAllocationWithoutATrace() {
    try (FakeDriver driver = new FakeDriver(256 * MIB)) {
      int[] count = {0};
      AllocationGate third =
          (use, bytes) -> {
            if (++count[0] == 3) {
              throw new EngineException(CudaErrorCode.CUDA_OUT_OF_MEMORY, "injected");
            }
          };
      try (ChunkPool pool = new ChunkPool(driver, MemoryUse.ACTIVATIONS, third, () -> {})) {
        pool.allocate(10);
        pool.allocate(10);
        long before = pool.liveBytes();
        assertThatThrownBy(() -> pool.allocate(10)).hasMessage("injected");
        assertThat(pool.liveBytes()).isEqualTo(before);
        pool.allocate(10);
      }
    }
  }

  @Test
  void aSecondReleaseIsRefused() {
    try (FakeDriver driver = new FakeDriver(64 * MIB);
        ChunkPool pool = pool(driver)) {
      ChunkPool.Block block = pool.allocate(10);
      pool.release(block);
      assertThatThrownBy(() -> pool.release(block)).isInstanceOf(IllegalStateException.class);
    }
  }
}
