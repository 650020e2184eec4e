package quartet.engine.nodes;

import java.nio.file.Path;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.ModelRefs;

/** Names the parts of a checkpoint and brings it onto the device. */
final class CheckpointLoaderSimple implements Node {
  private static final Input.ComboInput CKPT_NAME =
      Input.choice("ckpt_name", catalog -> catalog.models("checkpoints"));

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("CheckpointLoaderSimple")
        .display("Load Checkpoint")
        .category("loaders")
        .description("Loads a checkpoint: the denoising network, the text encoder and the VAE.")
        .required(CKPT_NAME)
        .returns(PortType.MODEL)
        .returns(PortType.CLIP)
        .returns(PortType.VAE)
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    Path file = context.files().model("checkpoints", inputs.get(CKPT_NAME));
    context.models().requireCheckpoint(file);
    return NodeResult.of(
        new ModelRefs.ModelRef(file), new ModelRefs.ClipRef(file), ModelRefs.VaeRef.of(file));
  }
}
