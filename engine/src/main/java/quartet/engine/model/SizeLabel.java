package quartet.engine.model;

import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.unet.TimeEmbedding;
import quartet.engine.value.Conditioning;
import quartet.errors.EngineException;
import quartet.tensor.HostTensor;

/**
 * The label of SDXL: the prompt's summary, then sizes as waves. The base model is told height,
 * width, top and left of the crop, target height and width; the refiner height, width, crop and an
 * aesthetic score. Which of the two a network wants shows in its label's width.
 *
 * <p>Source: Podell et al. 2023, section 2.2; Stability-AI generative-models {@code
 * ConcatTimestepEmbedderND}.
 */
public final class SizeLabel {
  private static final int WAVES = 256;
  private static final int BASE_NUMBERS = 6;
  private static final int REFINER_NUMBERS = 5;
  private static final int PIXELS_PER_LATENT = 8;

  /** What the refiner is told where the workflow does not say. Source: ComfyUI (behaviour). */
  private static final float GOOD = 6f;

  private static final float BAD = 2.5f;

  private SizeLabel() {}

  /**
   * The label of one prompt.
   *
   * @param width that the network wants
   * @param latentHeight of the whole picture, where no size is told
   * @param negative whether it is the prompt to be avoided
   * @throws EngineException if the prompt's summary does not leave room for sizes
   */
  public static float[] of(
      Conditioning.Entry entry, int width, int latentHeight, int latentWidth, boolean negative) {
    float[] pooled = entry.pooled();
    if (pooled == null) {
      throw unfit("the conditioning has no pooled summary", width);
    }
    float[] numbers = numbers(entry, latentHeight, latentWidth);
    int count = (width - pooled.length) / WAVES;
    if (pooled.length + count * WAVES != width
        || (count != BASE_NUMBERS && count != REFINER_NUMBERS)) {
      throw unfit("the conditioning's summary is %d wide".formatted(pooled.length), width);
    }
    if (count == REFINER_NUMBERS) {
      double usual = negative ? BAD : GOOD;
      double score = entry.size().flatMap(Conditioning.SizeHint::aesthetic).orElse(usual);
      numbers = new float[] {numbers[0], numbers[1], numbers[2], numbers[3], (float) score};
    }
    float[] label = new float[width];
    System.arraycopy(pooled, 0, label, 0, pooled.length);
    HostTensor waves = TimeEmbedding.waves(numbers, WAVES); // [count, 256]
    System.arraycopy(waves.toFloats(), 0, label, pooled.length, count * WAVES);
    return label;
  }

  private static float[] numbers(Conditioning.Entry entry, int latentHeight, int latentWidth) {
    int height = latentHeight * PIXELS_PER_LATENT;
    int width = latentWidth * PIXELS_PER_LATENT;
    return entry
        .size()
        .map(
            size ->
                new float[] {
                  size.height(),
                  size.width(),
                  size.cropTop(),
                  size.cropLeft(),
                  size.targetHeight(),
                  size.targetWidth()
                })
        .orElseGet(() -> new float[] {height, width, 0, 0, height, width});
  }

  private static EngineException unfit(String what, int width) {
    return new EngineException(
        ModelErrorCode.MODEL_INPUT_UNFIT,
        "This model wants a label of %d numbers, but %s: it was encoded by another model's text encoder."
            .formatted(width, what));
  }
}
