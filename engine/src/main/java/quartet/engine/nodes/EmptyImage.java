package quartet.engine.nodes;

import java.math.BigInteger;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.HeapRoom;
import quartet.engine.value.ImageBatch;

/** Pictures of one colour. */
final class EmptyImage implements Node {
  private static final Input.IntInput WIDTH =
      Input.integer("width", 512, 1, CoreNodes.MAX_RESOLUTION, 1);
  private static final Input.IntInput HEIGHT =
      Input.integer("height", 512, 1, CoreNodes.MAX_RESOLUTION, 1);
  private static final Input.IntInput BATCH_SIZE =
      Input.integer("batch_size", 1, 1, CoreNodes.MAX_BATCH, 1);
  private static final Input.IntInput COLOR =
      new Input.IntInput(
          "color",
          BigInteger.ZERO,
          BigInteger.ZERO,
          BigInteger.valueOf(0xFFFFFF),
          1,
          false,
          "color");

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("EmptyImage")
        .category("image")
        .description("Pictures of one colour, given as 0xRRGGBB.")
        .required(WIDTH, HEIGHT, BATCH_SIZE, COLOR)
        .returns(PortType.IMAGE)
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    int width = inputs.getInt(WIDTH);
    int height = inputs.getInt(HEIGHT);
    int batch = inputs.getInt(BATCH_SIZE);
    int color = inputs.getInt(COLOR);
    float[] channels = {
      (color >> 16 & 255) / 255f, (color >> 8 & 255) / 255f, (color & 255) / 255f
    };
    float[] values = new float[HeapRoom.forFloats(batch, channels.length, height, width)];
    for (int i = 0; i < values.length; i++) {
      values[i] = channels[i % channels.length];
    }
    return NodeResult.of(new ImageBatch(values, batch, height, width, channels.length));
  }
}
