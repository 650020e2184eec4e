package quartet.engine.nodes;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import quartet.engine.node.Catalog;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.MaskBatch;
import quartet.image.ImageReader;
import quartet.image.Pixels;

/** Reads one channel of a picture from the input folder as a mask. */
final class LoadImageMask implements Node {
  /** Extent of the empty mask of a missing channel. Source: comfyui-protocol §5.3. */
  private static final int EMPTY = 64;

  private static final float MAX_BYTE = 255f;
  private static final List<String> CHANNELS = List.of("red", "green", "blue", "alpha");

  private static final Input.ComboInput IMAGE =
      new Input.ComboInput("image", Catalog::inputImages, null, true, true);
  private static final Input.ComboInput CHANNEL =
      Input.choice("channel", "alpha", "red", "green", "blue");

  @Override
  public NodeSchema schema() {
    return NodeSchema.named("LoadImageMask")
        .display("Load Image (as Mask)")
        .category("mask")
        .description("Reads one channel of a picture; alpha is turned round, colours are not.")
        .required(IMAGE, CHANNEL)
        .returns(PortType.MASK)
        .build();
  }

  @Override
  public Set<String> checkedByItself() {
    return Set.of(IMAGE.name());
  }

  @Override
  public Optional<String> check(NodeInputs constants, Catalog catalog) {
    return constants
        .find(IMAGE)
        .filter(name -> !catalog.imageExists(name))
        .map(name -> "no such picture: " + name);
  }

  @Override
  public Optional<String> changeStamp(NodeInputs constants, NodeContext.Files files) {
    return constants.find(IMAGE).map(name -> LoadImage.sha256(files.image(name)));
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    Pixels pixels = ImageReader.read(context.files().image(inputs.get(IMAGE)));
    String channel = inputs.get(CHANNEL);
    int index = CHANNELS.indexOf(channel);
    if (index >= pixels.channels()) {
      return NodeResult.of(new MaskBatch(new float[EMPTY * EMPTY], 1, EMPTY, EMPTY));
    }
    float[] mask = new float[pixels.height() * pixels.width()];
    for (int i = 0; i < mask.length; i++) {
      float value = Byte.toUnsignedInt(pixels.bytes()[i * pixels.channels() + index]) / MAX_BYTE;
      mask[i] = channel.equals("alpha") ? 1f - value : value;
    }
    return NodeResult.of(new MaskBatch(mask, 1, pixels.height(), pixels.width()));
  }
}
