package quartet.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import quartet.cuda.fake.FakeDriver;
import quartet.errors.EngineException;

final class OwnershipTest {
  @Test
  void aBufferIsFreedOnceAndNotUsedAfterwards() {
    try (FakeDriver driver = new FakeDriver(1000)) {
      DeviceBuffer buffer = DeviceBuffer.allocate(driver, 100);
      assertThat(driver.memory().freeBytes()).isEqualTo(900);
      buffer.close();
      buffer.close();
      assertThat(driver.liveBlocks()).isZero();
      assertThatThrownBy(buffer::address).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void aSecondFreeOfAnAddressIsABadCall() {
    try (FakeDriver driver = new FakeDriver(1000)) {
      long address = driver.allocate(10);
      driver.free(address);
      assertThatThrownBy(() -> driver.free(address))
          .isInstanceOf(EngineException.class)
          .extracting(e -> ((EngineException) e).code())
          .isEqualTo(CudaErrorCode.CUDA_BAD_CALL);
    }
  }

  @Test
  void moreThanThereIsIsRefusedAndNothingChanges() {
    try (FakeDriver driver = new FakeDriver(1000)) {
      assertThatThrownBy(() -> DeviceBuffer.allocate(driver, 1001))
          .isInstanceOf(EngineException.class)
          .hasMessageContaining("1001");
      assertThat(driver.memory().freeBytes()).isEqualTo(1000);
    }
  }

  @Test
  void aCopyBeyondABlockPoisonsTheContext() {
    try (FakeDriver driver = new FakeDriver(1000);
        Arena arena = Arena.ofConfined()) {
      long stream = driver.createStream();
      long address = driver.allocate(8);
      MemorySegment much = arena.allocate(16);
      assertThatThrownBy(() -> driver.copyToDevice(address, much, stream))
          .satisfies(e -> assertThat(CudaStatus.isSticky(e)).isTrue());
      assertThatThrownBy(() -> driver.allocate(8))
          .satisfies(e -> assertThat(CudaStatus.isSticky(e)).isTrue());
    }
  }

  @Test
  void argumentsArePointersToTheirValues() {
    try (Arena arena = Arena.ofConfined()) {
      KernelArguments arguments = new KernelArguments(arena).start().add(7L).add(3).add(2.5f);
      MemorySegment pointers = arguments.pointers();
      assertThat(value(pointers, 0).get(ValueLayout.JAVA_LONG, 0)).isEqualTo(7);
      assertThat(value(pointers, 1).get(ValueLayout.JAVA_INT, 0)).isEqualTo(3);
      assertThat(value(pointers, 2).get(ValueLayout.JAVA_FLOAT, 0)).isEqualTo(2.5f);
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 100; i++) {
                  arguments.add(i);
                }
              })
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @SuppressWarnings("restricted") // looks behind a pointer, as a launch does
  private static MemorySegment value(MemorySegment pointers, int n) {
    return MemorySegment.ofAddress(pointers.getAtIndex(ValueLayout.JAVA_LONG, n)).reinterpret(8);
  }
}
