package quartet.engine.nodes;

import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.HeapRoom;
import quartet.engine.value.ImageBatch;
import quartet.image.Resize;
import quartet.image.ResizeMethod;

/** Pictures at another size. */
final class ImageScale implements Node {
  private static final Input.SocketInput<ImageBatch> IMAGE = Input.socket("image", PortType.IMAGE);
  private static final Input.ComboInput METHOD =
      Input.choice("upscale_method", "nearest-exact", "bilinear", "area", "bicubic", "lanczos");
  private static final Input.IntInput WIDTH =
      Input.integer("width", 512, 0, CoreNodes.MAX_RESOLUTION, 1);
  private static final Input.IntInput HEIGHT =
      Input.integer("height", 512, 0, CoreNodes.MAX_RESOLUTION, 1);
  private static final Input.ComboInput CROP = Input.choice("crop", "disabled", "center");

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("ImageScale")
        .display("Upscale Image")
        .category("image/upscaling")
        .description("Resizes pictures; a width or height of 0 keeps the proportions.")
        .required(IMAGE, METHOD, WIDTH, HEIGHT, CROP)
        .returns(PortType.IMAGE)
        .hostOnly()
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    ImageBatch image = inputs.get(IMAGE);
    int width = inputs.getInt(WIDTH);
    int height = inputs.getInt(HEIGHT);
    if (width == 0 && height == 0) {
      return NodeResult.of(image);
    }
    if (width == 0) {
      width = Math.max(1, (int) Math.rint((double) image.width() * height / image.height()));
    } else if (height == 0) {
      height = Math.max(1, (int) Math.rint((double) image.height() * width / image.width()));
    }
    HeapRoom.forFloats(image.batch(), image.channels(), height, width);
    int[] part =
        inputs.get(CROP).equals("center")
            ? Resize.centreCrop(image.height(), image.width(), height, width)
            : new int[] {0, 0, image.height(), image.width()};
    float[] cropped =
        Resize.crop(
            image.values(), image.batch(), image.height(), image.width(), image.channels(), part);
    float[] scaled =
        Resize.apply(
            ResizeMethod.named(inputs.get(METHOD)),
            cropped,
            image.batch(),
            part[2],
            part[3],
            image.channels(),
            height,
            width);
    return NodeResult.of(new ImageBatch(scaled, image.batch(), height, width, image.channels()));
  }
}
