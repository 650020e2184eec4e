package quartet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import quartet.cuda.fake.FakeDriver;

final class StagingTest {
  @Test
  void everySizeArrivesUnchangedAndComesBack() {
    try (FakeDriver driver = new FakeDriver(256L << 20)) {
      long stream = driver.createStream();
      try (Staging staging = new Staging(driver, stream)) {
        Random random = new Random(1);
        for (int size :
            new int[] {1, 255, 4096, (int) Staging.HALF_BYTES, (int) Staging.HALF_BYTES * 2 + 17}) {
          byte[] numbers = new byte[size];
          random.nextBytes(numbers);
          long address = driver.allocate(size);
          staging.upload(address, MemorySegment.ofArray(numbers));
          byte[] back = new byte[size];
          staging.download(MemorySegment.ofArray(back), address);
          assertThat(back).isEqualTo(numbers);
          driver.free(address);
        }
      }
      driver.destroyStream(stream);
      assertThat(driver.liveBlocks()).isZero();
      assertThat(driver.liveHandles()).isZero();
    }
  }

  @Test
  void aRegionIsRegisteredOnceForAllItsHolders() {
    try (FakeDriver driver = new FakeDriver(1 << 20);
        Arena arena = Arena.ofConfined()) {
      MemorySegment region = arena.allocate(4096);
      HostRegistrations registrations = new HostRegistrations();
      assertThat(registrations.hold(driver, region)).isTrue();
      assertThat(registrations.hold(driver, region)).isTrue();
      registrations.release(driver, region);
      assertThat(driver.registerReadOnly(region)).as("still registered").isFalse();
      registrations.release(driver, region);
      assertThat(driver.registerReadOnly(region)).as("registered anew").isTrue();
    }
  }

  @Test
  void whereRegistrationIsRefusedCopiesAreNotDirect() {
    try (FakeDriver driver = new FakeDriver(1 << 20);
        Arena arena = Arena.ofConfined()) {
      driver.refuseRegistration();
      MemorySegment region = arena.allocate(4096);
      HostRegistrations registrations = new HostRegistrations();
      assertThat(registrations.hold(driver, region)).isFalse();
      registrations.release(driver, region);
    }
  }
}
