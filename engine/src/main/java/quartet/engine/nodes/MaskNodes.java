package quartet.engine.nodes;

import java.util.Arrays;
import java.util.List;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.HeapRoom;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.MaskBatch;
import quartet.image.Resize;

/** Nodes that make and change masks. */
final class MaskNodes {
  private static final int MAX = CoreNodes.MAX_RESOLUTION;
  private static final int RGB = 3;
  private static final Input.SocketInput<MaskBatch> MASK = Input.socket("mask", PortType.MASK);

  private MaskNodes() {}

  static List<Node> all() {
    return List.of(
        invert(),
        solid(),
        feather(),
        grow(),
        crop(),
        composite(),
        threshold(),
        toImage(),
        fromImage(),
        fromColour());
  }

  private static NodeSchema.Builder schema(String name, String display) {
    return named(name, display).returns(PortType.MASK);
  }

  private static NodeSchema.Builder named(String name, String display) {
    return NodeSchema.named(name).display(display).category("mask").extra("nodes_mask").newer();
  }

  private static Node invert() {
    return FunctionNode.of(
        schema("InvertMask", "InvertMask").description("1 minus the mask.").required(MASK),
        (inputs, context) -> NodeResult.of(Masks.map(inputs.get(MASK), value -> 1f - value)));
  }

  private static Node solid() {
    Input.FloatInput value = Input.fraction("value", 1.0, 0, 1, 0.01);
    Input.IntInput width = Input.integer("width", 512, 1, MAX, 1);
    Input.IntInput height = Input.integer("height", 512, 1, MAX, 1);
    return FunctionNode.of(
        schema("SolidMask", "SolidMask")
            .description("A mask of one value.")
            .required(value, width, height),
        (inputs, context) -> {
          int h = inputs.getInt(height);
          int w = inputs.getInt(width);
          float[] values = new float[HeapRoom.forFloats(1, 1, h, w)];
          Arrays.fill(values, inputs.get(value).floatValue());
          return NodeResult.of(new MaskBatch(values, 1, h, w));
        });
  }

  private static Node feather() {
    Input.IntInput left = Input.integer("left", 0, 0, MAX, 1);
    Input.IntInput top = Input.integer("top", 0, 0, MAX, 1);
    Input.IntInput right = Input.integer("right", 0, 0, MAX, 1);
    Input.IntInput bottom = Input.integer("bottom", 0, 0, MAX, 1);
    return FunctionNode.of(
        schema("FeatherMask", "FeatherMask")
            .description("Soft edges.")
            .required(MASK, left, top, right, bottom),
        (inputs, context) ->
            NodeResult.of(
                Masks.feathered(
                    inputs.get(MASK),
                    inputs.getInt(left),
                    inputs.getInt(top),
                    inputs.getInt(right),
                    inputs.getInt(bottom))));
  }

  private static Node grow() {
    Input.IntInput expand = Input.integer("expand", 0, -MAX, MAX, 1);
    Input.BooleanInput tapered = Input.flag("tapered_corners", true);
    return FunctionNode.of(
        schema("GrowMask", "GrowMask")
            .description("Grows a mask by pixels, or shrinks it if negative.")
            .required(MASK, expand, tapered),
        (inputs, context) ->
            NodeResult.of(
                Masks.grown(inputs.get(MASK), inputs.getInt(expand), inputs.get(tapered))));
  }

  private static Node crop() {
    Input.IntInput x = Input.integer("x", 0, 0, MAX, 1);
    Input.IntInput y = Input.integer("y", 0, 0, MAX, 1);
    Input.IntInput width = Input.integer("width", 512, 1, MAX, 1);
    Input.IntInput height = Input.integer("height", 512, 1, MAX, 1);
    return FunctionNode.of(
        schema("CropMask", "CropMask")
            .description("A rectangle of a mask.")
            .required(MASK, x, y, width, height),
        (inputs, context) -> {
          MaskBatch mask = inputs.get(MASK);
          int[] part =
              Filters.part(
                  mask.height(),
                  mask.width(),
                  inputs.getInt(y),
                  inputs.getInt(x),
                  inputs.getInt(height),
                  inputs.getInt(width));
          float[] values =
              Resize.crop(mask.values(), mask.batch(), mask.height(), mask.width(), 1, part);
          return NodeResult.of(new MaskBatch(values, mask.batch(), part[2], part[3]));
        });
  }

  private static Node composite() {
    Input.SocketInput<MaskBatch> destination = Input.socket("destination", PortType.MASK);
    Input.SocketInput<MaskBatch> source = Input.socket("source", PortType.MASK);
    Input.IntInput x = Input.integer("x", 0, 0, MAX, 1);
    Input.IntInput y = Input.integer("y", 0, 0, MAX, 1);
    Input.ComboInput operation =
        Input.options("operation", "multiply", "add", "subtract", "and", "or", "xor");
    return FunctionNode.of(
        schema("MaskComposite", "MaskComposite")
            .description("Puts one mask onto another by an operation.")
            .required(destination, source, x, y, operation),
        (inputs, context) -> {
          MaskBatch below = inputs.get(destination);
          MaskBatch above = inputs.get(source);
          float[] out = below.values().clone();
          int left = inputs.getInt(x);
          int top = inputs.getInt(y);
          for (int b = 0; b < below.batch(); b++) {
            int item = b % above.batch();
            for (int r = 0; r < above.height() && top + r < below.height(); r++) {
              for (int c = 0; c < above.width() && left + c < below.width(); c++) {
                int to = (b * below.height() + top + r) * below.width() + left + c;
                float from = above.values()[(item * above.height() + r) * above.width() + c];
                out[to] = Math.clamp(apply(inputs.get(operation), out[to], from), 0f, 1f);
              }
            }
          }
          return NodeResult.of(new MaskBatch(out, below.batch(), below.height(), below.width()));
        });
  }

  private static float apply(String operation, float a, float b) {
    boolean first = Math.rint(a) != 0;
    boolean second = Math.rint(b) != 0;
    return switch (operation) {
      case "multiply" -> a * b;
      case "add" -> a + b;
      case "subtract" -> a - b;
      case "and" -> first && second ? 1f : 0f;
      case "or" -> first || second ? 1f : 0f;
      default -> first != second ? 1f : 0f;
    };
  }

  private static Node threshold() {
    Input.FloatInput value = Input.fraction("value", 0.5, 0, 1, 0.01);
    return FunctionNode.of(
        schema("ThresholdMask", "ThresholdMask")
            .description("1 where the mask is above a value, else 0.")
            .required(MASK, value),
        (inputs, context) -> {
          float least = inputs.get(value).floatValue();
          return NodeResult.of(Masks.map(inputs.get(MASK), v -> v > least ? 1f : 0f));
        });
  }

  private static Node toImage() {
    return FunctionNode.of(
        named("MaskToImage", "Convert Mask to Image")
            .description("A mask as a grey picture.")
            .required(MASK)
            .returns(PortType.IMAGE),
        (inputs, context) -> {
          MaskBatch mask = inputs.get(MASK);
          float[] out =
              new float[HeapRoom.forFloats(mask.batch(), RGB, mask.height(), mask.width())];
          for (int i = 0; i < out.length; i++) {
            out[i] = mask.values()[i / RGB];
          }
          return NodeResult.of(new ImageBatch(out, mask.batch(), mask.height(), mask.width(), RGB));
        });
  }

  private static Node fromImage() {
    Input.SocketInput<ImageBatch> image = Input.socket("image", PortType.IMAGE);
    Input.ComboInput channel = Input.options("channel", "red", "green", "blue", "alpha");
    return FunctionNode.of(
        schema("ImageToMask", "Convert Image to Mask")
            .description("One channel of a picture as a mask.")
            .required(image, channel),
        (inputs, context) -> {
          ImageBatch picture = inputs.get(image);
          int index = List.of("red", "green", "blue", "alpha").indexOf(inputs.get(channel));
          if (index >= picture.channels()) {
            throw new IllegalArgumentException(
                "the picture has no %s channel; it has %d channels"
                    .formatted(inputs.get(channel), picture.channels()));
          }
          float[] out = new float[picture.values().length / picture.channels()];
          for (int i = 0; i < out.length; i++) {
            out[i] = picture.values()[i * picture.channels() + index];
          }
          return NodeResult.of(
              new MaskBatch(out, picture.batch(), picture.height(), picture.width()));
        });
  }

  private static Node fromColour() {
    Input.SocketInput<ImageBatch> image = Input.socket("image", PortType.IMAGE);
    Input.IntInput colour =
        new Input.IntInput(
            "color",
            java.math.BigInteger.ZERO,
            java.math.BigInteger.ZERO,
            java.math.BigInteger.valueOf(0xFFFFFF),
            1,
            false,
            "color");
    return FunctionNode.of(
        schema("ImageColorToMask", "ImageColorToMask")
            .description("1 where a picture has exactly a colour, else 0.")
            .required(image, colour),
        (inputs, context) -> {
          ImageBatch picture = inputs.get(image);
          int wanted = inputs.getInt(colour);
          float[] out = new float[picture.values().length / picture.channels()];
          for (int i = 0; i < out.length; i++) {
            int at = i * picture.channels();
            int own = 0;
            for (int c = 0; c < RGB; c++) {
              float value = Math.clamp(picture.values()[at + c], 0f, 1f);
              own = own << 8 | (int) Math.rint(value * 255f);
            }
            out[i] = own == wanted ? 1f : 0f;
          }
          return NodeResult.of(
              new MaskBatch(out, picture.batch(), picture.height(), picture.width()));
        });
  }
}
