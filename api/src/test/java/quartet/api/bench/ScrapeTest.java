package quartet.api.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

final class ScrapeTest {
  @Test
  void namesLabelsAndValuesAreRead() {
    Scrape scrape =
        Scrape.parse(
            """
            # HELP a_total what it is
            # TYPE a_total counter
            a_total{gpu="0",model="x, \\"y\\".safetensors"} 2.0
            a_total{gpu="1"} 3.5
            b 1e3
            c_bucket{le="+Inf"} +Inf
            not a line
            """);
    assertThat(scrape.sum("a_total")).isEqualTo(5.5);
    assertThat(scrape.sum("a_total", "gpu", "1")).isEqualTo(3.5);
    assertThat(scrape.sum("b")).isEqualTo(1000);
    assertThat(scrape.has("c_bucket")).isTrue();
    assertThat(scrape.has("not")).isFalse();
    assertThat(scrape.samples().getFirst().labels())
        .containsEntry("model", "x, \\\"y\\\".safetensors");
  }

  @Test
  void theSlopeIsThatOfTheNearestLine() {
    assertThat(
            Slope.of(
                List.of(new Slope.Point(0, 1), new Slope.Point(1, 3.5), new Slope.Point(2, 5))))
        .isCloseTo(2.0, within(1e-9));
    assertThat(Slope.of(List.of(new Slope.Point(1, 7)))).isZero();
  }
}
