package quartet.rng;

import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The noise a sampling run starts from: one draw of the whole latent {@code [B, C, H, W]}, or one
 * draw per listed batch place.
 *
 * <p>Source: ComfyUI {@code comfy.sample.prepare_noise} (behaviour).
 */
public final class LatentNoise {
  private LatentNoise() {}

  /**
   * Noise in NCHW order.
   *
   * @param seed unsigned
   * @param itemElements {@code C*H*W}
   * @param batchIndex which draw of the seed each item gets, or null for one draw of all items
   */
  public static float[] draw(
      long seed, int batch, int itemElements, @Nullable List<Integer> batchIndex) {
    TorchGenerator generator = new TorchGenerator(seed);
    if (batchIndex == null) {
      return generator.randn(Math.multiplyExact(batch, itemElements));
    }
    if (batchIndex.size() != batch) {
      throw new IllegalArgumentException(
          "batch of %d with %d batch indices".formatted(batch, batchIndex.size()));
    }
    float[] noise = new float[Math.multiplyExact(batch, itemElements)];
    TreeSet<Integer> wanted = new TreeSet<>(batchIndex);
    for (int index = 0; !wanted.isEmpty() && index <= wanted.last(); index++) {
      float[] item = generator.randn(itemElements);
      for (int place = 0; place < batch; place++) {
        if (batchIndex.get(place) == index) {
          System.arraycopy(item, 0, noise, place * itemElements, itemElements);
        }
      }
    }
    return noise;
  }
}
