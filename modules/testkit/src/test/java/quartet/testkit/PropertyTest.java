package quartet.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A failing case can be named and repeated; comparisons bite where they should. */
class PropertyTest {
  @Test
  void aFailureNamesItsSeedAndKeepsItsCause() {
    IllegalStateException cause = new IllegalStateException("broken");
    assertThatThrownBy(
            () ->
                Property.check(
                    "never four",
                    10,
                    cases -> {
                      if (cases.longIn(0, 3) == 3) {
                        throw cause;
                      }
                    }))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("never four")
        .hasMessageMatching("(?s).*-Dquartet\\.property\\.seed=\\d+.*broken.*")
        .hasCause(cause);
  }

  @Test
  void theSameSeedDrawsTheSameNumbers() {
    List<Float> drawn = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      drawn.add(new Cases(42).normal(5, 1)[4]);
    }
    assertThat(drawn.get(0)).isEqualTo(drawn.get(1));
    assertThat(new Cases(43).normal(5, 1)[4]).isNotEqualTo(drawn.get(0));
  }

  @Test
  void comparisonTellsWhereAndHowMuch() {
    float[] expected = {1, 2, Float.NaN, Float.POSITIVE_INFINITY};
    assertThatCode(
            () -> TensorAssertions.assertClose("same", expected.clone(), expected, Tolerance.EXACT))
        .doesNotThrowAnyException();
    assertThatThrownBy(
            () ->
                TensorAssertions.assertClose(
                    "far",
                    new float[] {1, 2.5f, Float.NaN, Float.POSITIVE_INFINITY},
                    expected,
                    Tolerance.of(0.1)))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("1 of 4")
        .hasMessageContaining("[1]");
    for (float wrong : new float[] {Float.NaN, Float.NEGATIVE_INFINITY, 0}) {
      assertThatThrownBy(
              () ->
                  TensorAssertions.assertClose(
                      "not finite",
                      new float[] {wrong},
                      new float[] {Float.POSITIVE_INFINITY},
                      Tolerance.of(1)))
          .isInstanceOf(AssertionError.class);
    }
  }

  @Test
  void relativeRmsIsTheNormOfTheDifference() {
    assertThat(TensorAssertions.relativeRms(new float[] {3, 4.5f}, new float[] {3, 4}))
        .isEqualTo(0.1);
    assertThat(TensorAssertions.maxDistance(new float[] {3, 4.5f}, new float[] {3, 4}))
        .isEqualTo(0.5);
  }
}
