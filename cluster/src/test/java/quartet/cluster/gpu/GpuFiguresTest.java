package quartet.cluster.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Locale;
import org.junit.jupiter.api.Test;

final class GpuFiguresTest {
  @Test
  void readsAsOperatorsKnowIt() {
    GpuFigures figures = GpuFigures.NONE;
    for (int i = 0; i < 10; i++) {
      figures =
          figures.plus(
              i > 0, i % 2 == 0 ? 2 : 3, Duration.ofMillis(150), Duration.ofMillis(15234), 0);
    }
    assertThat(figures)
        .hasToString("tasks=10, success=90.0%, queue=2.5, wait=150ms, exec=15234ms, oom=0");
    assertThat(figures.meanExecution()).isEqualTo(Duration.ofMillis(15234));
  }

  @Test
  void decimalsAreDotsEverywhere() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.GERMANY);
      assertThat(GpuFigures.NONE.plus(true, 1, Duration.ZERO, Duration.ZERO, 2))
          .hasToString("tasks=1, success=100.0%, queue=1.0, wait=0ms, exec=0ms, oom=2");
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void nothingYetIsNoDivisionByZero() {
    assertThat(GpuFigures.NONE.meanExecution()).isEqualTo(Duration.ZERO);
    assertThat(GpuFigures.NONE)
        .hasToString("tasks=0, success=0.0%, queue=0.0, wait=0ms, exec=0ms, oom=0");
  }
}
