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

/** Latents of zeros, to be filled with noise. */
record EmptyLatentImage(
    NodeSchema schema, Input.IntInput width, Input.IntInput height, int channels) implements Node {
  private static final int PIXELS_PER_LATENT = 8;
  private static final int LEAST = 16;
  private static final Input.IntInput BATCH_SIZE =
      Input.integer("batch_size", 1, 1, CoreNodes.MAX_BATCH, 1);

  static Node ofFourChannels() {
    return of(
        NodeSchema.named("EmptyLatentImage")
            .display("Empty Latent Image")
            .category("latent")
            .description("A batch of empty latents of a given size in pixels."),
        size("width", 512, 8),
        size("height", 512, 8),
        4);
  }

  static Node ofSixteenChannels() {
    return of(
        NodeSchema.named("EmptySD3LatentImage")
            .category("latent/sd3")
            .extra("nodes_sd3")
            .newer()
            .description("Empty latents of 16 channels; other models take them with their own."),
        size("width", 1024, 16),
        size("height", 1024, 16),
        16);
  }

  private static Input.IntInput size(String name, int usual, int step) {
    return Input.integer(name, usual, LEAST, CoreNodes.MAX_RESOLUTION, step);
  }

  private static Node of(
      NodeSchema.Builder schema, Input.IntInput width, Input.IntInput height, int channels) {
    return new EmptyLatentImage(
        schema.required(width, height, BATCH_SIZE).returns(PortType.LATENT).build(),
        width,
        height,
        channels);
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    int batch = inputs.getInt(BATCH_SIZE);
    int h = inputs.getInt(height) / PIXELS_PER_LATENT;
    int w = inputs.getInt(width) / PIXELS_PER_LATENT;
    HeapRoom.forFloats(batch, channels, h, w);
    return NodeResult.of(LatentBatch.zeros(batch, channels, h, w));
  }
}
