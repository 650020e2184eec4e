package quartet.engine.model;

import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.unet.TimeEmbedding;
import quartet.engine.value.Conditioning;
import quartet.engine.value.SeenImages;
import quartet.errors.EngineException;
import quartet.rng.TorchGenerator;

/**
 * The label of an unCLIP model: a picture's summary with some noise, then how much noise as waves.
 * Several pictures' labels are added, and noise is put on the sum.
 *
 * <p>Source: Ramesh et al. 2022, "Hierarchical Text-Conditional Image Generation with CLIP
 * Latents"; Stability-AI {@code CLIPEmbeddingNoiseAugmentation}; Nichol and Dhariwal 2021, eq. 17
 * for the noise levels; how pictures are joined and seeded is ComfyUI's {@code unclip_adm}
 * (behaviour).
 */
public final class ImageLabel {
  private static final int LEVELS = 1000;
  private static final double OFFSET = 0.008;
  private static final double LARGEST_BETA = 0.999;
  private static final double NOISE_OF_SUM = 0.05;
  private static final int SEED_DISTANCE = 10;

  private ImageLabel() {}

  /**
   * The label of one prompt; zeros for one without pictures.
   *
   * @param width that the network wants: twice a summary's
   * @param seed of the run
   * @throws EngineException if the summaries have another width
   */
  public static float[] of(Conditioning.Entry entry, int width, long seed) {
    int half = width / 2;
    float[] sum = new float[width];
    int count = 0;
    TorchGenerator generator = new TorchGenerator(seed - SEED_DISTANCE);
    for (Conditioning.ImageUse use : entry.images()) {
      SeenImages seen = use.images();
      if (seen.embeddingWidth() != half) {
        throw new EngineException(
            ModelErrorCode.MODEL_INPUT_UNFIT,
            "This model wants pictures' summaries of %d numbers, but these have %d: they were seen by another vision tower."
                .formatted(half, seen.embeddingWidth()));
      }
      for (int b = 0; b < seen.batch(); b++) {
        // Each picture's noise begins anew; the sum's goes on where the last one's stopped.
        generator = new TorchGenerator(seed - SEED_DISTANCE);
        float[] own = new float[half];
        System.arraycopy(seen.embeddings(), b * half, own, 0, half);
        float[] label = noised(own, use.noise(), generator);
        for (int i = 0; i < width; i++) {
          sum[i] += label[i] * (float) use.strength();
        }
        count++;
      }
    }
    return count < 2 ? sum : noised(java.util.Arrays.copyOf(sum, half), NOISE_OF_SUM, generator);
  }

  private static float[] noised(float[] embedding, double share, TorchGenerator generator) {
    int level = (int) Math.rint((LEVELS - 1) * share);
    double kept = kept(level);
    float signal = (float) Math.sqrt(kept);
    float noise = (float) Math.sqrt(1 - kept);
    float[] draw = generator.randn(embedding.length);
    float[] label = new float[2 * embedding.length];
    for (int i = 0; i < embedding.length; i++) {
      label[i] = signal * embedding[i] + noise * draw[i];
    }
    float[] waves = TimeEmbedding.waves(new float[] {level}, embedding.length).toFloats();
    System.arraycopy(waves, 0, label, embedding.length, embedding.length);
    return label;
  }

  /** Share of the variance that is left after that many further steps. */
  private static double kept(int level) {
    double kept = 1;
    for (int i = 0; i <= level; i++) {
      double beta = 1 - share(i + 1) / share(i);
      kept *= 1 - Math.min(beta, LARGEST_BETA);
    }
    return kept;
  }

  private static double share(int step) {
    double angle = ((double) step / LEVELS + OFFSET) / (1 + OFFSET) * Math.PI / 2;
    return Math.cos(angle) * Math.cos(angle);
  }
}
