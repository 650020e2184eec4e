package quartet.engine.nodes;

import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.ImageBatch;

/** Writes pictures into the output folder. */
final class SaveImage implements Node {
  private static final int PNG_LEVEL = 4;

  private static final Input.SocketInput<ImageBatch> IMAGES =
      Input.socket("images", PortType.IMAGE);
  private static final Input.StringInput PREFIX = Input.text("filename_prefix", "ComfyUI");

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("SaveImage")
        .display("Save Image")
        .category("image")
        .description("Saves pictures as PNG files, with the workflow inside.")
        .required(IMAGES, PREFIX)
        .hidden(NodeSchema.Hidden.PROMPT, NodeSchema.Hidden.EXTRA_PNGINFO)
        .outputNode()
        .hostOnly()
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    return NodeResult.shown(
        ImageFiles.write(
            inputs.get(IMAGES),
            context.files().output(),
            inputs.get(PREFIX),
            "output",
            PNG_LEVEL,
            context));
  }
}
