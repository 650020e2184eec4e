package quartet.engine.model.upscale;

import quartet.engine.run.CancelToken;
import quartet.engine.value.HeapRoom;
import quartet.engine.value.ImageBatch;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.image.Resize;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.TensorScope;

/**
 * A loaded upscale model: pictures to larger ones, tile by tile, with smaller tiles when the device
 * runs out of memory. Owner: its file's models. Thread: the device's.
 */
public final class Upscaler {
  private static final int TILE = 512;
  private static final int SMALLEST_TILE = 128;
  private static final int OVERLAP = 32;
  private static final int RGB = 3;

  private final Backend backend;
  private final RrdbNet network;

  /** A model on a device. */
  public Upscaler(Backend backend, RrdbNet network) {
    this.backend = backend;
    this.network = network;
  }

  /** Times that a picture grows in each direction. */
  public int scale() {
    return network.scale();
  }

  /**
   * Larger pictures in 0..1.
   *
   * @param cancel asked before each tile
   */
  public ImageBatch apply(ImageBatch images, CancelToken cancel) {
    int height = images.height() * scale();
    int width = images.width() * scale();
    float[] out = new float[HeapRoom.forFloats(images.batch(), RGB, height, width)];
    int item = height * width * RGB;
    for (int b = 0; b < images.batch(); b++) {
      Tiles.Picture source = rgb(images, b);
      System.arraycopy(tiled(source, cancel), 0, out, b * item, item);
    }
    return new ImageBatch(out, images.batch(), height, width, RGB);
  }

  private float[] tiled(Tiles.Picture source, CancelToken cancel) {
    int tile = TILE;
    while (true) {
      try {
        return Tiles.run(
            source,
            tile,
            tile,
            OVERLAP,
            scale(),
            RGB,
            part -> {
              cancel.throwIfCancelled();
              return one(part);
            });
      } catch (EngineException e) {
        if (e.kind() != ErrorKind.OUT_OF_MEMORY || tile / 2 < SMALLEST_TILE) {
          throw e;
        }
        tile /= 2;
      }
    }
  }

  private Tiles.Picture one(Tiles.Picture part) {
    int unit = network.multiple();
    int height = (part.height() + unit - 1) / unit * unit;
    int width = (part.width() + unit - 1) / unit * unit;
    HostTensor input = unshuffled(part, height, width, unit);
    try (TensorScope scope = backend.openScope("upscale")) {
      Ops ops = scope.ops();
      float[] pixels = ops.download(ops.clamp(network.forward(scope, ops.upload(input)), 0f, 1f));
      int scale = scale();
      float[] kept =
          Resize.crop(
              pixels,
              1,
              height * scale,
              width * scale,
              RGB,
              new int[] {0, 0, part.height() * scale, part.width() * scale});
      return new Tiles.Picture(kept, part.height() * scale, part.width() * scale, RGB);
    }
  }

  /** Blocks of pixels as channels; beyond the picture its last row and column are repeated. */
  private static HostTensor unshuffled(Tiles.Picture part, int height, int width, int unit) {
    int depth = RGB * unit * unit;
    float[] out = new float[height * width * RGB];
    for (int i = 0; i < out.length; i++) {
      int c = i % depth;
      int place = i / depth;
      int x = place % (width / unit) * unit + c % unit;
      int y = place / (width / unit) * unit + c / unit % unit;
      int colour = c / (unit * unit);
      int from = Math.min(y, part.height() - 1) * part.width() + Math.min(x, part.width() - 1);
      out[i] = part.values()[from * RGB + colour];
    }
    return HostTensor.of(Shape.of(1, height / unit, width / unit, depth), out);
  }

  private static Tiles.Picture rgb(ImageBatch images, int item) {
    int plane = images.height() * images.width();
    float[] out = new float[plane * RGB];
    for (int p = 0; p < plane; p++) {
      int from = (item * plane + p) * images.channels();
      for (int c = 0; c < RGB; c++) {
        out[p * RGB + c] = images.values()[from + c];
      }
    }
    return new Tiles.Picture(out, images.height(), images.width(), RGB);
  }
}
