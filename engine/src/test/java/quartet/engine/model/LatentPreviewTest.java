package quartet.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;

final class LatentPreviewTest {
  @Test
  void eachChannelAddsItsColour() {
    float[] values = new float[2 * 4 * 2];
    values[8 + 2 * 2 + 1] = 1f / 0.18215f; // second item, channel 2, second pixel
    ImageBatch image =
        LatentPreview.rgb(new LatentBatch(values, 2, 4, 1, 2, null, null), LatentFormat.SD15);
    assertThat(image.values()).hasSize(2 * 2 * 3);
    assertThat(image.values()[0]).isEqualTo(0.5f);
    int last = image.values().length - 3;
    assertThat(image.values()[last]).isCloseTo((1 - .2829f) / 2, within(1e-6f));
    assertThat(image.values()[last + 1]).isCloseTo((1 + .1762f) / 2, within(1e-6f));
    assertThat(image.values()[last + 2]).isCloseTo((1 + .2721f) / 2, within(1e-6f));
  }

  @Test
  void coloursAreClamped() {
    float[] values = {1000f, 1000f, 0f, 0f};
    ImageBatch image =
        LatentPreview.rgb(new LatentBatch(values, 1, 4, 1, 1, null, null), LatentFormat.SD15);
    assertThat(image.values()).containsExactly(1f, 1f, 1f);
  }
}
