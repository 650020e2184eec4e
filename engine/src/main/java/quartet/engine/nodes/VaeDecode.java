package quartet.engine.nodes;

import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.ModelRefs;

/** Latents to pictures. */
final class VaeDecode implements Node {
  private static final Input.SocketInput<LatentBatch> SAMPLES =
      Input.socket("samples", PortType.LATENT);
  private static final Input.SocketInput<ModelRefs.VaeRef> VAE = Input.socket("vae", PortType.VAE);

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("VAEDecode")
        .display("VAE Decode")
        .category("latent")
        .description("Turns latents into pictures.")
        .required(SAMPLES, VAE)
        .returns(PortType.IMAGE)
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    return NodeResult.of(
        context.models().vae(inputs.get(VAE)).decode(inputs.get(SAMPLES), context.cancel()));
  }
}
