package quartet.engine.model;

import quartet.engine.model.clip.ClipVisionModel;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.SeenImages;
import quartet.image.Resize;
import quartet.image.ResizeMethod;
import quartet.tensor.Backend;
import quartet.tensor.Ops;
import quartet.tensor.TensorScope;

/**
 * A CLIP vision tower on a device: pictures of any size to what it makes of them. Owner: its {@link
 * CheckpointModels}. Thread: the device's.
 *
 * <p>Source of the numbers: openai/CLIP {@code _transform}; rounding to 255 steps as in ComfyUI.
 */
public final class VisionTower {
  private static final int RGB = 3;
  private static final float[] MEAN = {0.48145467f, 0.4578275f, 0.40821072f};
  private static final float[] DEVIATION = {0.26862955f, 0.2613026f, 0.2757771f};

  private final Backend backend;
  private final ClipVisionModel model;

  VisionTower(Backend backend, ClipVisionModel model) {
    this.backend = backend;
    this.model = model;
  }

  /**
   * Looks at pictures one by one.
   *
   * @param crop whether the middle square is taken; else the whole picture is squeezed into one
   */
  public SeenImages encode(ImageBatch images, boolean crop) {
    float[][] hidden = new float[images.batch()][];
    float[][] embeddings = new float[images.batch()][];
    for (int b = 0; b < images.batch(); b++) {
      try (TensorScope scope = backend.openScope("vision")) {
        Ops ops = scope.ops();
        ClipVisionModel.Seen seen = model.forward(scope, pixels(images, b, crop));
        hidden[b] = ops.download(seen.hidden());
        embeddings[b] = ops.download(seen.embedding());
      }
    }
    int tokens = model.tokens();
    return new SeenImages(
        joined(hidden),
        joined(embeddings),
        images.batch(),
        tokens,
        hidden[0].length / tokens,
        embeddings[0].length);
  }

  private static float[] joined(float[][] items) {
    float[] all = new float[items.length * items[0].length];
    for (int b = 0; b < items.length; b++) {
      System.arraycopy(items[b], 0, all, b * items[b].length, items[b].length);
    }
    return all;
  }

  /** One picture as the tower was trained on, {@code [side, side, 3]}. */
  float[] pixels(ImageBatch images, int item, boolean crop) {
    int side = model.side();
    int height = images.height();
    int width = images.width();
    float[] rgb = new float[height * width * RGB];
    for (int p = 0; p < height * width; p++) {
      int from = (item * height * width + p) * images.channels();
      System.arraycopy(images.values(), from, rgb, p * RGB, RGB);
    }
    if (height != side || width != side) {
      double scale = (double) side / Math.min(height, width);
      int toHeight = crop ? (int) Math.rint(scale * height) : side;
      int toWidth = crop ? (int) Math.rint(scale * width) : side;
      rgb =
          Resize.apply(ResizeMethod.SMOOTH_BICUBIC, rgb, 1, height, width, RGB, toHeight, toWidth);
      int[] middle = {(toHeight - side) / 2, (toWidth - side) / 2, side, side};
      rgb = Resize.crop(rgb, 1, toHeight, toWidth, RGB, middle);
    }
    for (int i = 0; i < rgb.length; i++) {
      float level = (float) Math.rint(Math.clamp(rgb[i] * 255f, 0f, 255f)) / 255f;
      rgb[i] = (level - MEAN[i % RGB]) / DEVIATION[i % RGB];
    }
    return rgb;
  }
}
