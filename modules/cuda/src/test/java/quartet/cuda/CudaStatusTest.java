package quartet.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;

final class CudaStatusTest {
  @Test
  void successPasses() {
    assertThatCode(() -> CudaStatus.check(0, "cuInit", "")).doesNotThrowAnyException();
  }

  @Test
  void memoryShortageIsNotSticky() {
    EngineException failure = failure(2);
    assertThat(failure.kind()).isEqualTo(ErrorKind.OUT_OF_MEMORY);
    assertThat(CudaStatus.isSticky(failure)).isFalse();
    assertThat(failure).hasMessageContaining("cuX").hasMessageContaining("smaller");
  }

  @Test
  void forbiddenAccessIsSticky() {
    for (int status : new int[] {700, 702, 710, 714, 715, 716, 717, 718, 719}) {
      EngineException failure = failure(status);
      assertThat(failure.code()).as("%d", status).isEqualTo(CudaErrorCode.CUDA_CONTEXT_POISONED);
      assertThat(CudaStatus.isSticky(failure)).isTrue();
    }
  }

  @Test
  void lostDevicesAreSticky() {
    for (int status : new int[] {46, 100, 214, 999}) {
      assertThat(failure(status).code()).isEqualTo(CudaErrorCode.CUDA_DEVICE_GONE);
    }
  }

  @Test
  void everyOtherStatusIsOurOwnFaultOrUnsupported() {
    long badCalls =
        IntStream.rangeClosed(1, 1000)
            .filter(status -> CudaStatus.driver(status) instanceof CudaFault.BadCall)
            .count();
    assertThat(badCalls).isBetween(900L, 999L);
    assertThat(CudaStatus.driver(1)).isInstanceOf(CudaFault.BadCall.class);
    assertThat(CudaStatus.driver(801)).isInstanceOf(CudaFault.Unsupported.class);
  }

  @Test
  void librariesSpeakTheSameLanguage() {
    assertThat(CudaStatus.cublas(3)).isInstanceOf(CudaFault.OutOfMemory.class);
    assertThat(CudaStatus.cublas(15)).isInstanceOf(CudaFault.Unsupported.class);
    assertThat(CudaStatus.cublas(7)).isInstanceOf(CudaFault.BadCall.class);
    assertThat(CudaStatus.cudnn(3001)).isInstanceOf(CudaFault.Unsupported.class);
    assertThat(CudaStatus.cudnn(4004)).isInstanceOf(CudaFault.OutOfMemory.class);
    assertThat(CudaStatus.cudnn(5000)).isInstanceOf(CudaFault.ContextPoisoned.class);
    assertThat(CudaStatus.cudnn(2000)).isInstanceOf(CudaFault.BadCall.class);
  }

  private static EngineException failure(int status) {
    return catchThrowableOfType(
        EngineException.class, () -> CudaStatus.check(status, "cuX", "CUDA_ERROR_X"));
  }
}
