package quartet.engine.nodes;

import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.ModelRefs;

/** Takes the text encoding from an earlier layer ("clip skip"). */
final class ClipSetLastLayer implements Node {
  private static final Input.SocketInput<ModelRefs.ClipRef> CLIP =
      Input.socket("clip", PortType.CLIP);
  private static final Input.IntInput STOP_AT = Input.integer("stop_at_clip_layer", -1, -24, -1, 1);

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("CLIPSetLastLayer")
        .display("CLIP Set Last Layer")
        .category("conditioning")
        .description("Takes the text encoding from an earlier layer; -2 is known as clip skip 2.")
        .required(CLIP, STOP_AT)
        .returns(PortType.CLIP)
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    return NodeResult.of(new ModelRefs.ClipRef(inputs.get(CLIP).source(), inputs.getInt(STOP_AT)));
  }
}
