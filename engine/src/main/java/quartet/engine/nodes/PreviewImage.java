package quartet.engine.nodes;

import java.util.concurrent.ThreadLocalRandom;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.ImageBatch;

/** Shows pictures without keeping them. */
final class PreviewImage implements Node {
  private static final int PNG_LEVEL = 1;
  private static final int LETTERS = 5;

  private static final Input.SocketInput<ImageBatch> IMAGES =
      Input.socket("images", PortType.IMAGE);

  /**
   * Other letters in each process: the folder is emptied at start, and a browser that kept the
   * picture of an earlier name must not show it.
   */
  private final String prefix = "ComfyUI_temp_" + letters();

  private static String letters() {
    StringBuilder letters = new StringBuilder();
    ThreadLocalRandom.current().ints(LETTERS, 'a', 'z' + 1).forEach(letters::appendCodePoint);
    return letters.toString();
  }

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("PreviewImage")
        .display("Preview Image")
        .category("image")
        .description("Shows pictures; the files are temporary.")
        .required(IMAGES)
        .hidden(NodeSchema.Hidden.PROMPT, NodeSchema.Hidden.EXTRA_PNGINFO)
        .outputNode()
        .hostOnly()
        .build();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    return NodeResult.shown(
        ImageFiles.write(
            inputs.get(IMAGES), context.files().temp(), prefix, "temp", PNG_LEVEL, context));
  }
}
