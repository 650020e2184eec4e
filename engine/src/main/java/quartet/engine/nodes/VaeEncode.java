package quartet.engine.nodes;

import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.ModelRefs;

/** Pictures to latents. */
final class VaeEncode implements Node {
  private static final Input.SocketInput<ImageBatch> PIXELS =
      Input.socket("pixels", PortType.IMAGE);
  private static final Input.SocketInput<ModelRefs.VaeRef> VAE = Input.socket("vae", PortType.VAE);

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("VAEEncode")
        .display("VAE Encode")
        .category("latent")
        .description("Turns pictures into latents, cropped to multiples of 8 pixels.")
        .required(PIXELS, VAE)
        .returns(PortType.LATENT)
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    return NodeResult.of(context.models().vae(inputs.get(VAE)).encode(inputs.get(PIXELS)));
  }
}
