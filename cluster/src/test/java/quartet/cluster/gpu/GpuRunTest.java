package quartet.cluster.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import quartet.engine.run.PromptInterruptedException;

final class GpuRunTest {
  private static final Duration AWHILE = Duration.ofMillis(500);

  private final GpuRun run = new GpuRun(Jobs.job("a", 0), Instant.EPOCH, 0);

  @Test
  void workThatAsksWhetherToGoOnIsAlive() {
    beSilent();
    run.throwIfCancelled();
    assertThat(run.silence()).isLessThan(AWHILE);
  }

  @Test
  void aMereLookSaysNothing() {
    beSilent();
    assertThat(run.isCancelled()).isFalse();
    assertThat(run.silence()).isGreaterThanOrEqualTo(AWHILE);
  }

  @Test
  void askingEndsWhatWasCancelled() {
    run.cancel();
    assertThatThrownBy(run::throwIfCancelled).isInstanceOf(PromptInterruptedException.class);
  }

  private void beSilent() {
    while (run.silence().compareTo(AWHILE) < 0) {
      LockSupport.parkNanos(1_000_000);
    }
  }
}
