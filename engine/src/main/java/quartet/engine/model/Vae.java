package quartet.engine.model;

import java.util.Arrays;
import java.util.Map;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.vae.Autoencoder;
import quartet.engine.run.CancelToken;
import quartet.engine.value.HeapRoom;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.errors.EngineException;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Pictures to latents and back, one batch item at a time: decoding dominates a device's memory, and
 * items do not depend on each other. Owner: its {@link CheckpointModels}. Thread: the device's.
 */
public final class Vae {
  private static final int RGB = 3;

  private final Backend backend;
  private final Autoencoder autoencoder;

  Vae(Backend backend, Autoencoder autoencoder) {
    this.backend = backend;
    this.autoencoder = autoencoder;
  }

  /**
   * Latents to RGB pictures in 0..1.
   *
   * @param cancel asked before each item
   * @throws EngineException if the latent has another number of channels
   */
  public ImageBatch decode(LatentBatch latents, CancelToken cancel) {
    if (latents.channels() != autoencoder.latentChannels()) {
      throw unfit(
          "The latent has %d channels, but this VAE decodes %d."
              .formatted(latents.channels(), autoencoder.latentChannels()),
          latents.channels());
    }
    int height = latents.height() * autoencoder.scaleFactor();
    int width = latents.width() * autoencoder.scaleFactor();
    int itemLatent = latents.channels() * latents.height() * latents.width();
    float[] pixels = new float[HeapRoom.forFloats(latents.batch(), RGB, height, width)];
    int itemPixels = pixels.length / latents.batch();
    for (int b = 0; b < latents.batch(); b++) {
      cancel.throwIfCancelled();
      float[] item = Arrays.copyOfRange(latents.values(), b * itemLatent, (b + 1) * itemLatent);
      Shape shape = Shape.of(1, latents.channels(), latents.height(), latents.width());
      System.arraycopy(
          decodeItem(HostTensor.of(shape, item)), 0, pixels, b * itemPixels, itemPixels);
    }
    return new ImageBatch(pixels, latents.batch(), height, width, RGB);
  }

  private float[] decodeItem(HostTensor latent) {
    try (TensorScope scope = backend.openScope("vae decode")) {
      Ops ops = scope.ops();
      Tensor z = ops.toChannelsLast(ops.upload(latent)); // [1, h, w, Z]
      Tensor raw = autoencoder.decode(scope, z); // [1, 8h, 8w, 3]
      return ops.download(ops.clamp(ops.affine(raw, 0.5f, 0.5f), 0f, 1f));
    }
  }

  /**
   * Pictures to the means of their latents. Sizes are cropped around the centre to multiples of the
   * scale factor; a fourth channel is dropped.
   *
   * @throws EngineException if the picture is smaller than one latent pixel, or the file has no
   *     encoder
   */
  public LatentBatch encode(ImageBatch images) {
    if (!autoencoder.hasEncoder()) {
      throw unfit("This checkpoint's VAE has no encoder; it can only decode.", 0);
    }
    int factor = autoencoder.scaleFactor();
    int height = images.height() / factor;
    int width = images.width() / factor;
    if (height == 0 || width == 0) {
      throw unfit(
          "A picture of %dx%d is smaller than this VAE's %dx%d block."
              .formatted(images.width(), images.height(), factor, factor),
          images.width());
    }
    int channels = autoencoder.latentChannels();
    int itemLatent = channels * height * width;
    float[] latents = new float[images.batch() * itemLatent];
    for (int b = 0; b < images.batch(); b++) {
      HostTensor pixels = cropped(images, b, height * factor, width * factor);
      try (TensorScope scope = backend.openScope("vae encode")) {
        Ops ops = scope.ops();
        Tensor moments = autoencoder.moments(scope, ops.upload(pixels)); // [1, h, w, 2Z]
        Tensor mean = ops.sliceLast(moments, 0, channels); // [1, h, w, Z]
        float[] item = ops.download(ops.toChannelsFirst(mean)); // [1, Z, h, w]
        System.arraycopy(item, 0, latents, b * itemLatent, itemLatent);
      }
    }
    return new LatentBatch(latents, images.batch(), channels, height, width, null, null);
  }

  /** One item's centre as {@code [1, height, width, 3]} in -1..1. */
  private static HostTensor cropped(ImageBatch images, int item, int height, int width) {
    int top = (images.height() - height) / 2;
    int left = (images.width() - width) / 2;
    float[] pixels = new float[height * width * RGB];
    int to = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        long row = (long) item * images.height() + top + y;
        int from = Math.toIntExact((row * images.width() + left + x) * images.channels());
        for (int c = 0; c < RGB; c++) {
          pixels[to++] = images.values()[from + c] * 2f - 1f;
        }
      }
    }
    return HostTensor.of(Shape.of(1, height, width, RGB), pixels);
  }

  private static EngineException unfit(String message, int value) {
    return new EngineException(
        ModelErrorCode.MODEL_INPUT_UNFIT, message, Map.of("value", Integer.toString(value)), null);
  }
}
