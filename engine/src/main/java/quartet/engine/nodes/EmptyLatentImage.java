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
final class EmptyLatentImage implements Node {
  private static final int PIXELS_PER_LATENT = 8;
  private static final int LATENT_CHANNELS = 4;

  private static final Input.IntInput WIDTH =
      Input.integer("width", 512, 16, CoreNodes.MAX_RESOLUTION, 8);
  private static final Input.IntInput HEIGHT =
      Input.integer("height", 512, 16, CoreNodes.MAX_RESOLUTION, 8);
  private static final Input.IntInput BATCH_SIZE =
      Input.integer("batch_size", 1, 1, CoreNodes.MAX_BATCH, 1);

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("EmptyLatentImage")
        .display("Empty Latent Image")
        .category("latent")
        .description("A batch of empty latents of a given size in pixels.")
        .required(WIDTH, HEIGHT, BATCH_SIZE)
        .returns(PortType.LATENT)
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    int batch = inputs.getInt(BATCH_SIZE);
    int height = inputs.getInt(HEIGHT) / PIXELS_PER_LATENT;
    int width = inputs.getInt(WIDTH) / PIXELS_PER_LATENT;
    HeapRoom.forFloats(batch, LATENT_CHANNELS, height, width);
    return NodeResult.of(LatentBatch.zeros(batch, LATENT_CHANNELS, height, width));
  }
}
