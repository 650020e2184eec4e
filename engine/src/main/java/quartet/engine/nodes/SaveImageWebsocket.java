package quartet.engine.nodes;

import java.util.Map;
import java.util.Optional;
import quartet.engine.node.ClientMessage;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.ImageBatch;
import quartet.image.Pixels;
import quartet.image.PngWriter;

/** Sends pictures to the client over its WebSocket and keeps no file. */
final class SaveImageWebsocket implements Node {
  private static final int PNG_LEVEL = 4;

  private static final Input.SocketInput<ImageBatch> IMAGES =
      Input.socket("images", PortType.IMAGE);

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("SaveImageWebsocket")
        .category("api/image")
        .description("Sends pictures to the client as PNG over its WebSocket; no file is written.")
        .required(IMAGES)
        .outputNode()
        .hostOnly()
        .build();
  }

  @Override
  public Optional<String> changeStamp(NodeInputs constants, NodeContext.Files files) {
    return Node.alwaysChanged();
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    ImageBatch images = inputs.get(IMAGES);
    for (int i = 0; i < images.batch(); i++) {
      context.cancel().throwIfCancelled();
      Pixels pixels =
          Pixels.of(images.values(), i, images.height(), images.width(), images.channels());
      context.tell(new ClientMessage.Picture(PngWriter.encode(pixels, Map.of(), PNG_LEVEL)));
    }
    return NodeResult.of();
  }
}
