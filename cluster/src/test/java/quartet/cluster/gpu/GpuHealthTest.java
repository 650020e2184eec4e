package quartet.cluster.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class GpuHealthTest {
  @Test
  void aDeviceIsBelievedAtFirstAndHasToShowThatItWorksAfterAFailure() {
    assertThat(GpuHealth.atStart(0)).isEqualTo(GpuHealth.READY);
    assertThat(GpuHealth.atStart(1)).isEqualTo(GpuHealth.UNPROVEN);
    assertThat(GpuHealth.atStart(1).warmedUp()).isEqualTo(GpuHealth.READY);
  }

  @Test
  void noWarmUpBringsALostDeviceBack() {
    assertThat(GpuHealth.LOST.warmedUp()).isEqualTo(GpuHealth.LOST);
  }
}
