package quartet.engine.nodes;

import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.HeapRoom;
import quartet.engine.value.LatentBatch;
import quartet.image.Bislerp;
import quartet.image.Resize;
import quartet.image.ResizeMethod;

/** Latents at another size. */
final class LatentUpscale implements Node {
  private static final int PIXELS_PER_LATENT = 8;
  private static final int SMALLEST_PIXELS = 64;
  private static final String BISLERP = "bislerp";

  private static final Input.SocketInput<LatentBatch> SAMPLES =
      Input.socket("samples", PortType.LATENT);
  private static final Input.ComboInput METHOD =
      Input.choice("upscale_method", "nearest-exact", "bilinear", "area", "bicubic", BISLERP);
  private static final Input.IntInput WIDTH =
      Input.integer("width", 512, 0, CoreNodes.MAX_RESOLUTION, 8);
  private static final Input.IntInput HEIGHT =
      Input.integer("height", 512, 0, CoreNodes.MAX_RESOLUTION, 8);
  private static final Input.ComboInput CROP = Input.choice("crop", "disabled", "center");

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("LatentUpscale")
        .display("Upscale Latent")
        .category("latent")
        .description("Resizes latents; a width or height of 0 keeps the proportions.")
        .required(SAMPLES, METHOD, WIDTH, HEIGHT, CROP)
        .returns(PortType.LATENT)
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    LatentBatch latent = inputs.get(SAMPLES);
    int width = inputs.getInt(WIDTH);
    int height = inputs.getInt(HEIGHT);
    if (width == 0 && height == 0) {
      return NodeResult.of(latent);
    }
    if (width == 0) {
      height = Math.max(SMALLEST_PIXELS, height);
      width = atLeast(SMALLEST_PIXELS, (double) latent.width() * height / latent.height());
    } else if (height == 0) {
      width = Math.max(SMALLEST_PIXELS, width);
      height = atLeast(SMALLEST_PIXELS, (double) latent.height() * width / latent.width());
    } else {
      width = Math.max(SMALLEST_PIXELS, width);
      height = Math.max(SMALLEST_PIXELS, height);
    }
    return NodeResult.of(
        resized(
            inputs.get(CROP).equals("center") ? cropped(latent, height, width) : latent,
            inputs.get(METHOD),
            height / PIXELS_PER_LATENT,
            width / PIXELS_PER_LATENT));
  }

  private static int atLeast(int least, double value) {
    return Math.max(least, (int) Math.rint(value));
  }

  private static LatentBatch cropped(LatentBatch latent, int height, int width) {
    int[] part = Resize.centreCrop(latent.height(), latent.width(), height, width);
    float[] values =
        Resize.crop(
            latent.values(),
            latent.batch() * latent.channels(),
            latent.height(),
            latent.width(),
            1,
            part);
    return new LatentBatch(
        values,
        latent.batch(),
        latent.channels(),
        part[2],
        part[3],
        latent.noiseMask(),
        latent.batchIndex());
  }

  /** Resized after what does not fit the proportions was cut off around the middle. */
  static LatentBatch resizedAround(LatentBatch latent, String method, int height, int width) {
    return resized(cropped(latent, height, width), method, height, width);
  }

  static LatentBatch resized(LatentBatch latent, String method, int height, int width) {
    HeapRoom.forFloats(latent.batch(), latent.channels(), height, width);
    float[] values =
        method.equals(BISLERP)
            ? Bislerp.apply(
                latent.values(),
                latent.batch(),
                latent.channels(),
                latent.height(),
                latent.width(),
                height,
                width)
            : Resize.apply(
                ResizeMethod.named(method),
                latent.values(),
                latent.batch() * latent.channels(),
                latent.height(),
                latent.width(),
                1,
                height,
                width);
    return new LatentBatch(
        values,
        latent.batch(),
        latent.channels(),
        height,
        width,
        latent.noiseMask(),
        latent.batchIndex());
  }
}
