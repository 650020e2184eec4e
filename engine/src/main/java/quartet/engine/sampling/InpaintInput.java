package quartet.engine.sampling;

import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.LatentFormat;
import quartet.engine.value.Conditioning;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.MaskBatch;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * What an inpainting model sees beside the noisy latent: the mask, and the latent of the picture
 * without what is to be painted. Where the workflow gives neither, everything is to be painted, on
 * grey. Source: Rombach et al. 2022, section 4.5; the channels' order and the grey latent are
 * CompVis's and ComfyUI's (behaviour).
 */
final class InpaintInput {
  private static final int BESIDE = 5;

  /** A grey picture's latent in the model's terms. Source: ComfyUI (numbers). */
  private static final float[] GREY = {0.8223f, -0.6876f, 0.6364f, 0.1380f};

  private InpaintInput() {}

  /** {@code [prompts*B, h, w, 5]} of the window, in {@code scope}. */
  static Tensor of(
      TensorScope scope,
      List<PlacedEntry> group,
      @Nullable Window window,
      LatentFormat format,
      LatentBatch sampled) {
    int height = sampled.height();
    int width = sampled.width();
    int batch = sampled.batch();
    float[] values = new float[group.size() * batch * height * width * BESIDE];
    int at = 0;
    for (PlacedEntry entry : group) {
      Conditioning.@Nullable InpaintHint hint = entry.entry().inpaint().orElse(null);
      MaskBatch noiseMask = sampled.noiseMask();
      LatentBatch latent = hint != null ? hint.latent() : noiseMask != null ? sampled : null;
      MaskBatch given = hint != null ? hint.mask() : noiseMask;
      MaskBatch mask = given == null ? null : LatentMask.resized(given, height, width);
      for (int b = 0; b < batch; b++) {
        for (int p = 0; p < height * width; p++) {
          values[at++] =
              mask == null
                  ? 1f
                  : (float) Math.rint(mask.values()[b % mask.batch() * height * width + p]);
          for (int c = 0; c < format.channels(); c++) {
            values[at++] = latent == null ? GREY[c] : of(latent, b, c, p, width, format);
          }
        }
      }
    }
    Ops ops = scope.ops();
    Shape shape = Shape.of((long) group.size() * batch, height, width, BESIDE);
    Tensor whole = ops.upload(HostTensor.of(shape, values));
    return window == null ? whole : window.crop(ops, whole);
  }

  /** A latent of another size is cut or followed by zeros. */
  private static float of(
      LatentBatch latent, int item, int channel, int place, int width, LatentFormat format) {
    int y = place / width;
    int x = place % width;
    if (y >= latent.height() || x >= latent.width()) {
      return 0f;
    }
    int row = (item % latent.batch() * latent.channels() + channel) * latent.height() + y;
    return latent.values()[row * latent.width() + x] * format.scale();
  }
}
