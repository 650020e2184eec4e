package quartet.engine.nodes;

import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.ModelRefs;

/** Turns text into a conditioning. */
final class ClipTextEncode implements Node {
  private static final Input.StringInput TEXT = new Input.StringInput("text", "", true, true);
  private static final Input.SocketInput<ModelRefs.ClipRef> CLIP =
      Input.socket("clip", PortType.CLIP);

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("CLIPTextEncode")
        .display("CLIP Text Encode (Prompt)")
        .category("conditioning")
        .description("Encodes a text so that it can steer sampling. (word:1.2) weighs a word.")
        .required(TEXT, CLIP)
        .returns(PortType.CONDITIONING)
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    ModelRefs.ClipRef clip = inputs.get(CLIP);
    return NodeResult.of(
        context
            .models()
            .textEncoder(clip)
            .encode(
                inputs.get(TEXT),
                clip.stopAtLayer(),
                name -> context.files().findModel("embeddings", name)));
  }
}
