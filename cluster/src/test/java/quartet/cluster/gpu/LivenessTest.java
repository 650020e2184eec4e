package quartet.cluster.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** When a prompt hangs, without waiting for it. */
final class LivenessTest {
  private static final Duration STUCK_AFTER = Duration.ofSeconds(10);
  private static final long SECOND = 1_000_000_000L;
  private static final long BEGAN = 5 * SECOND;

  @Test
  void silenceIsCountedFromTheLastSign() {
    Liveness liveness = Liveness.from(BEGAN).sign(BEGAN + 3 * SECOND);
    assertThat(liveness.silence(BEGAN + 7 * SECOND)).isEqualTo(Duration.ofSeconds(4));
  }

  @Test
  void beforeTheFirstSignTheUsualSilenceIsAllowed() {
    Liveness liveness = Liveness.from(BEGAN);
    assertThat(liveness.stuck(BEGAN + 10 * SECOND, STUCK_AFTER)).isFalse();
    assertThat(liveness.stuck(BEGAN + 10 * SECOND + 1, STUCK_AFTER)).isTrue();
  }

  @Test
  void aPromptOfSlowStepsMayBeSilentTwentyTimesAsLongAsItsLongestStep() {
    long sign = BEGAN + 2 * SECOND;
    Liveness liveness = Liveness.from(BEGAN).sign(sign);
    assertThat(liveness.stuck(sign + 40 * SECOND, STUCK_AFTER)).isFalse();
    assertThat(liveness.stuck(sign + 40 * SECOND + 1, STUCK_AFTER)).isTrue();
  }

  @Test
  void aShorterStepTakesNothingFromThat() {
    long sign = BEGAN + 3 * SECOND;
    Liveness liveness = Liveness.from(BEGAN).sign(BEGAN + 2 * SECOND).sign(sign);
    assertThat(liveness.stuck(sign + 40 * SECOND, STUCK_AFTER)).isFalse();
  }

  @Test
  void stepsThatAreQuickLeaveTheUsualSilence() {
    long sign = BEGAN + SECOND / 100;
    Liveness liveness = Liveness.from(BEGAN).sign(sign);
    assertThat(liveness.stuck(sign + 10 * SECOND, STUCK_AFTER)).isFalse();
    assertThat(liveness.stuck(sign + 10 * SECOND + 1, STUCK_AFTER)).isTrue();
  }

  @Test
  void theClockMayBeNegativeAndOverflow() {
    long began = Long.MAX_VALUE - SECOND;
    Liveness liveness = Liveness.from(began);
    assertThat(liveness.silence(began + 4 * SECOND)).isEqualTo(Duration.ofSeconds(4));
    assertThat(liveness.stuck(began + 4 * SECOND, STUCK_AFTER)).isFalse();
  }
}
