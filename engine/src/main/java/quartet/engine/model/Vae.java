package quartet.engine.model;

import java.util.Arrays;
import java.util.Map;
import java.util.function.Supplier;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.upscale.Tiles;
import quartet.engine.model.vae.LatentCodec;
import quartet.engine.model.vae.PixelSpace;
import quartet.engine.run.CancelToken;
import quartet.engine.value.HeapRoom;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Pictures to latents and back, one batch item at a time: decoding dominates a device's memory, and
 * items do not depend on each other. Pictures of more than some 2,890 x 2,890 pixels are done in
 * large tiles. In tiles a picture's colours shift a little, since the norms see tiles only.
 *
 * <p>Owner: its {@link CheckpointModels}. Thread: the device's.
 */
public final class Vae {
  private static final int RGB = 3;

  /** Extent and overlap of tiles when memory runs out, in latent pixels. Source: ComfyUI. */
  private static final int FALLBACK_TILE = 64;

  private static final int FALLBACK_OVERLAP = 16;
  private static final int FALLBACK_PIXELS = 512;
  private static final int FALLBACK_PIXEL_OVERLAP = 64;

  /** The same for pictures that cannot be counted as a whole. */
  private static final int LARGE_TILE = 256;

  private static final int LARGE_OVERLAP = 32;

  private final Backend backend;
  private final LatentCodec codec;
  private final boolean tilesWhenFull;

  Vae(Backend backend, LatentCodec codec) {
    this(backend, codec, false);
  }

  private Vae(Backend backend, LatentCodec codec, boolean tilesWhenFull) {
    this.backend = backend;
    this.codec = codec;
    this.tilesWhenFull = tilesWhenFull;
  }

  /** One without weights: latents are the pictures themselves, in -1..1. */
  public static Vae ofPixels(Backend backend) {
    return new Vae(backend, new PixelSpace());
  }

  /** The same, going on in tiles when the device runs out of memory instead of giving up. */
  public Vae inTilesWhenFull() {
    return new Vae(backend, codec, true);
  }

  /** Pixels per latent pixel, in each direction. */
  public int scaleFactor() {
    return codec.scaleFactor();
  }

  /**
   * Latents to RGB pictures in 0..1.
   *
   * @param cancel asked before each item
   * @throws EngineException if the latent has another number of channels
   */
  public ImageBatch decode(LatentBatch latents, CancelToken cancel) {
    return decode(
        latents,
        item ->
            inTilesIfNeeded(
                () ->
                    isCountable(item, codec.scaleFactor())
                        ? decodeWhole(item)
                        : decodeTiled(item, LARGE_TILE, LARGE_OVERLAP, cancel),
                () -> decodeTiled(item, FALLBACK_TILE, FALLBACK_OVERLAP, cancel)),
        cancel);
  }

  /**
   * The same in tiles.
   *
   * @param tile extent in latent pixels
   * @param overlap in latent pixels
   */
  public ImageBatch decodeTiled(LatentBatch latents, int tile, int overlap, CancelToken cancel) {
    return decode(latents, item -> decodeTiled(item, tile, overlap, cancel), cancel);
  }

  /** What is done to one latent {@code [h, w, Z]}. */
  @FunctionalInterface
  private interface Decoding {
    float[] apply(Tiles.Picture latent);
  }

  private ImageBatch decode(LatentBatch latents, Decoding decoding, CancelToken cancel) {
    if (latents.channels() != codec.latentChannels()) {
      throw unfit(
          "The latent has %d channels, but this VAE decodes %d."
              .formatted(latents.channels(), codec.latentChannels()),
          latents.channels());
    }
    int height = latents.height() * codec.scaleFactor();
    int width = latents.width() * codec.scaleFactor();
    int itemLatent = latents.channels() * latents.height() * latents.width();
    float[] pixels = new float[HeapRoom.forFloats(latents.batch(), RGB, height, width)];
    int itemPixels = pixels.length / latents.batch();
    for (int b = 0; b < latents.batch(); b++) {
      cancel.throwIfCancelled();
      float[] item = Arrays.copyOfRange(latents.values(), b * itemLatent, (b + 1) * itemLatent);
      codec.beforeDecoding(item);
      float[] done = decoding.apply(channelsLast(item, latents));
      System.arraycopy(done, 0, pixels, b * itemPixels, itemPixels);
    }
    return new ImageBatch(pixels, latents.batch(), height, width, RGB);
  }

  private static Tiles.Picture channelsLast(float[] item, LatentBatch like) {
    int channels = like.channels();
    int plane = like.height() * like.width();
    float[] out = new float[item.length];
    for (int p = 0; p < plane; p++) {
      for (int c = 0; c < channels; c++) {
        out[p * channels + c] = item[c * plane + p];
      }
    }
    return new Tiles.Picture(out, like.height(), like.width(), channels);
  }

  private float[] decodeWhole(Tiles.Picture latent) {
    try (TensorScope scope = backend.openScope("vae decode")) {
      Ops ops = scope.ops();
      Tensor raw = codec.decode(scope, ops.upload(host(latent))); // [1, 8h, 8w, 3]
      return ops.download(ops.clamp(ops.affine(raw, 0.5f, 0.5f), 0f, 1f));
    }
  }

  private float[] decodeTiled(Tiles.Picture latent, int tile, int overlap, CancelToken cancel) {
    float[] raw =
        threePasses(
            latent,
            tile,
            overlap,
            codec.scaleFactor(),
            RGB,
            part -> {
              cancel.throwIfCancelled();
              try (TensorScope scope = backend.openScope("vae decode")) {
                Ops ops = scope.ops();
                float[] pixels = ops.download(codec.decode(scope, ops.upload(host(part))));
                int factor = codec.scaleFactor();
                return new Tiles.Picture(
                    pixels, part.height() * factor, part.width() * factor, RGB);
              }
            });
    for (int i = 0; i < raw.length; i++) {
      raw[i] = Math.clamp(raw[i] * 0.5f + 0.5f, 0f, 1f);
    }
    return raw;
  }

  /** Wide, tall and square tiles, whose seams lie in different places. Source: ComfyUI. */
  private static float[] threePasses(
      Tiles.Picture source, int tile, int overlap, double scale, int channels, Tiles.Work work) {
    float[] wide = Tiles.run(source, 2 * tile, tile / 2, overlap, scale, channels, work);
    float[] tall = Tiles.run(source, tile / 2, 2 * tile, overlap, scale, channels, work);
    float[] square = Tiles.run(source, tile, tile, overlap, scale, channels, work);
    for (int i = 0; i < square.length; i++) {
      square[i] = (wide[i] + tall[i] + square[i]) / 3f;
    }
    return square;
  }

  /**
   * Pictures to the means of their latents. Sizes are cropped around the centre to multiples of the
   * scale factor; a fourth channel is dropped.
   *
   * @throws EngineException if the picture is smaller than one latent pixel, or the file has no
   *     encoder
   */
  public LatentBatch encode(ImageBatch images) {
    return encode(
        images,
        item ->
            inTilesIfNeeded(
                () ->
                    isCountable(item, 1)
                        ? encodeWhole(item)
                        : encodeTiled(
                            item,
                            LARGE_TILE * codec.scaleFactor(),
                            LARGE_OVERLAP * codec.scaleFactor()),
                () -> encodeTiled(item, FALLBACK_PIXELS, FALLBACK_PIXEL_OVERLAP)));
  }

  /**
   * The same in tiles.
   *
   * @param tile extent in pixels
   * @param overlap in pixels
   */
  public LatentBatch encodeTiled(ImageBatch images, int tile, int overlap) {
    return encode(images, item -> encodeTiled(item, tile, overlap));
  }

  private LatentBatch encode(ImageBatch images, Decoding encoding) {
    if (!codec.hasEncoder()) {
      throw unfit("This VAE has no encoder; it can only decode.", 0);
    }
    int factor = codec.scaleFactor();
    int height = images.height() / factor;
    int width = images.width() / factor;
    if (height == 0 || width == 0) {
      throw unfit(
          "A picture of %dx%d is smaller than this VAE's %dx%d block."
              .formatted(images.width(), images.height(), factor, factor),
          images.width());
    }
    int channels = codec.latentChannels();
    int plane = height * width;
    float[] latents = new float[HeapRoom.forFloats(images.batch(), channels, height, width)];
    for (int b = 0; b < images.batch(); b++) {
      float[] item = encoding.apply(cropped(images, b, height * factor, width * factor));
      for (int p = 0; p < plane; p++) {
        for (int c = 0; c < channels; c++) {
          latents[(b * channels + c) * plane + p] = item[p * channels + c];
        }
      }
    }
    return new LatentBatch(latents, images.batch(), channels, height, width, null, null);
  }

  private float[] encodeWhole(Tiles.Picture pixels) {
    try (TensorScope scope = backend.openScope("vae encode")) {
      Ops ops = scope.ops();
      return ops.download(codec.mean(scope, ops.upload(host(pixels)))); // [1, h, w, Z]
    }
  }

  private float[] encodeTiled(Tiles.Picture pixels, int tile, int overlap) {
    int factor = codec.scaleFactor();
    int channels = codec.latentChannels();
    return threePasses(
        pixels,
        tile,
        overlap,
        1.0 / factor,
        channels,
        part ->
            new Tiles.Picture(
                encodeWhole(part), part.height() / factor, part.width() / factor, channels));
  }

  private static HostTensor host(Tiles.Picture picture) {
    return HostTensor.of(
        Shape.of(1, picture.height(), picture.width(), picture.channels()), picture.values());
  }

  /** Whether a picture, enlarged by a factor, can be shown to the network as a whole. */
  private boolean isCountable(Tiles.Picture picture, int factor) {
    long height = (long) picture.height() * factor;
    return LargeTensors.items(height, (long) picture.width() * factor, codec.widestPixel()) > 0;
  }

  private float[] inTilesIfNeeded(Supplier<float[]> whole, Supplier<float[]> tiled) {
    try {
      return whole.get();
    } catch (EngineException e) {
      if (!tilesWhenFull || e.kind() != ErrorKind.OUT_OF_MEMORY) {
        throw e;
      }
      return tiled.get();
    }
  }

  /** One item's centre as {@code [height, width, 3]} in -1..1. */
  private static Tiles.Picture cropped(ImageBatch images, int item, int height, int width) {
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
    return new Tiles.Picture(pixels, height, width, RGB);
  }

  private static EngineException unfit(String message, int value) {
    return new EngineException(
        ModelErrorCode.MODEL_INPUT_UNFIT, message, Map.of("value", Integer.toString(value)), null);
  }
}
