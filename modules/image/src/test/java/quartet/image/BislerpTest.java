package quartet.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import quartet.testkit.Cases;
import quartet.testkit.Property;

class BislerpTest {
  private static final int CHANNELS = 4;

  private static double length(float[] latent, int pixel, int pixels) {
    double sum = 0;
    for (int c = 0; c < CHANNELS; c++) {
      sum += latent[c * pixels + pixel] * latent[c * pixels + pixel];
    }
    return Math.sqrt(sum);
  }

  @Test
  void the_same_size_changes_nothing_but_rounding() {
    Property.check(
        "bislerp identity",
        50,
        cases -> {
          int height = cases.intIn(1, 6);
          int width = cases.intIn(1, 6);
          float[] from = cases.normal(2L * CHANNELS * height * width, 1);
          float[] out = Bislerp.apply(from, 2, CHANNELS, height, width, height, width);
          assertThat(out).hasSameSizeAs(from);
          for (int i = 0; i < from.length; i++) {
            assertThat(out[i]).isCloseTo(from[i], within(1e-5f));
          }
        });
  }

  @Test
  void one_vector_everywhere_stays_as_it_is() {
    float[] from = new float[CHANNELS * 9];
    for (int i = 0; i < from.length; i++) {
      from[i] = Math.floorDiv(i, 9) - 1.5f;
    }
    float[] out = Bislerp.apply(from, 1, CHANNELS, 3, 3, 7, 5);
    for (int i = 0; i < out.length; i++) {
      assertThat(out[i]).isEqualTo(Math.floorDiv(i, 35) - 1.5f);
    }
  }

  @Test
  void zeros_stay_zeros() {
    assertThat(Bislerp.apply(new float[CHANNELS * 4], 1, CHANNELS, 2, 2, 5, 3)).containsOnly(0f);
  }

  @Test
  void lengths_are_joined_linearly_where_bilinear_would_shorten_them() {
    // Two pixels at right angles, lengths 1 and 3: halfway the length is 2, not sqrt(10)/2.
    float[] from = {1, 0, 0, 3, 0, 0, 0, 0};
    float[] out = Bislerp.apply(from, 1, CHANNELS, 1, 2, 1, 3);
    assertThat(length(out, 0, 3)).isCloseTo(1, within(1e-6));
    assertThat(length(out, 1, 3)).isCloseTo(2, within(1e-6));
    assertThat(length(out, 2, 3)).isCloseTo(3, within(1e-6));
    assertThat(out[1]).as("45 degrees between them").isCloseTo(out[4], within(1e-6f));
  }

  @Test
  void opposite_vectors_are_joined_linearly() {
    float[] from = {1, -3, 0, 0, 0, 0, 0, 0};
    float[] out = Bislerp.apply(from, 1, CHANNELS, 1, 2, 1, 3);
    assertThat(out[1]).isCloseTo(-1, within(1e-6f));
  }

  @Test
  void no_pixel_becomes_longer_than_the_longest_and_none_is_lost() {
    Property.check("bislerp lengths", 100, BislerpTest::lengthsStayInside);
  }

  private static void lengthsStayInside(Cases cases) {
    int height = cases.intIn(1, 5);
    int width = cases.intIn(1, 5);
    int toHeight = cases.intIn(1, 9);
    int toWidth = cases.intIn(1, 9);
    float[] from = cases.normal((long) CHANNELS * height * width, 2);
    float[] out = Bislerp.apply(from, 1, CHANNELS, height, width, toHeight, toWidth);
    double longest = 0;
    for (int i = 0; i < height * width; i++) {
      longest = Math.max(longest, length(from, i, height * width));
    }
    for (int i = 0; i < toHeight * toWidth; i++) {
      assertThat(length(out, i, toHeight * toWidth))
          .isFinite()
          .isLessThanOrEqualTo(longest * 1.0001);
    }
  }
}
