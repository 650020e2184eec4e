package quartet.engine.nodes;

import java.util.Arrays;
import java.util.List;
import quartet.engine.node.ClientMessage;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.HeapRoom;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.MaskBatch;
import quartet.rng.TorchGenerator;

/** Nodes that turn, mirror, fit and measure pictures, and take their transparency apart. */
final class PictureNodes {
  private static final int MAX = CoreNodes.MAX_RESOLUTION;
  private static final int RGB = 3;
  private static final Input.SocketInput<ImageBatch> IMAGE = Input.socket("image", PortType.IMAGE);

  private PictureNodes() {}

  static List<Node> all() {
    return List.of(
        rotate(),
        flip(),
        scaleToMaxDimension(),
        resizeAndPad(),
        size(),
        addNoise(),
        splitAlpha(),
        joinAlpha());
  }

  private static NodeSchema.Builder schema(String name, String category) {
    return NodeSchema.named(name).category(category).extra("nodes_images").newer();
  }

  /** Where each pixel of a picture comes from. */
  @FunctionalInterface
  private interface Place {
    /** The index of a pixel in the picture that is given. */
    int from(int y, int x);
  }

  private static ImageBatch moved(ImageBatch image, int height, int width, Place place) {
    int channels = image.channels();
    float[] out = new float[image.values().length];
    for (int b = 0; b < image.batch(); b++) {
      int start = b * height * width;
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          System.arraycopy(
              image.values(),
              (start + place.from(y, x)) * channels,
              out,
              (start + y * width + x) * channels,
              channels);
        }
      }
    }
    return new ImageBatch(out, image.batch(), height, width, channels);
  }

  private static Node rotate() {
    Input.ComboInput rotation =
        Input.options("rotation", "none", "90 degrees", "180 degrees", "270 degrees");
    return FunctionNode.of(
        schema("ImageRotate", "image/transform")
            .description("Turns pictures clockwise.")
            .required(IMAGE, rotation)
            .returns(PortType.IMAGE),
        (inputs, context) -> {
          ImageBatch image = inputs.get(IMAGE);
          int h = image.height();
          int w = image.width();
          return NodeResult.of(
              switch (inputs.get(rotation)) {
                case "90 degrees" -> moved(image, w, h, (y, x) -> (h - 1 - x) * w + y);
                case "180 degrees" -> moved(image, h, w, (y, x) -> (h - 1 - y) * w + w - 1 - x);
                case "270 degrees" -> moved(image, w, h, (y, x) -> x * w + w - 1 - y);
                default -> image;
              });
        });
  }

  private static Node flip() {
    Input.ComboInput method =
        Input.options("flip_method", "x-axis: vertically", "y-axis: horizontally");
    return FunctionNode.of(
        schema("ImageFlip", "image/transform")
            .description("Mirrors pictures.")
            .required(IMAGE, method)
            .returns(PortType.IMAGE),
        (inputs, context) -> {
          ImageBatch image = inputs.get(IMAGE);
          int h = image.height();
          int w = image.width();
          Place place =
              inputs.get(method).startsWith("x")
                  ? (y, x) -> (h - 1 - y) * w + x
                  : (y, x) -> y * w + w - 1 - x;
          return NodeResult.of(moved(image, h, w, place));
        });
  }

  private static Node scaleToMaxDimension() {
    Input.ComboInput method =
        Input.options(
            "upscale_method",
            "area",
            "lanczos",
            "bilinear",
            "nearest-exact",
            "bilinear",
            "bicubic");
    Input.IntInput largest = Input.integer("largest_size", 512, 0, MAX, 1);
    return FunctionNode.of(
        schema("ImageScaleToMaxDimension", "image/upscaling")
            .description("Resizes pictures so that their longer side has so many pixels.")
            .required(IMAGE, method, largest)
            .returns(PortType.IMAGE),
        (inputs, context) -> {
          ImageBatch image = inputs.get(IMAGE);
          double factor = (double) inputs.getInt(largest) / Math.max(image.height(), image.width());
          int height = Filters.scaled(image.height(), factor);
          int width = Filters.scaled(image.width(), factor);
          return NodeResult.of(ImageNodes.scaled(image, inputs.get(method), height, width));
        });
  }

  private static Node resizeAndPad() {
    Input.IntInput width = Input.integer("target_width", 512, 1, MAX, 1);
    Input.IntInput height = Input.integer("target_height", 512, 1, MAX, 1);
    Input.ComboInput colour = Input.options("padding_color", "white", "black");
    Input.ComboInput method =
        Input.options("interpolation", "area", "bicubic", "nearest-exact", "bilinear", "lanczos");
    return FunctionNode.of(
        schema("ResizeAndPadImage", "image/transform")
            .description("Resizes pictures into a rectangle and fills what is left of it.")
            .required(IMAGE, width, height, colour, method)
            .returns(PortType.IMAGE),
        (inputs, context) -> {
          ImageBatch image = inputs.get(IMAGE);
          int h = inputs.getInt(height);
          int w = inputs.getInt(width);
          double factor = Math.min((double) w / image.width(), (double) h / image.height());
          ImageBatch inner =
              ImageNodes.scaled(
                  image,
                  inputs.get(method),
                  Math.max(1, (int) (image.height() * factor)),
                  Math.max(1, (int) (image.width() * factor)));
          return NodeResult.of(framed(inner, h, w, inputs.get(colour).equals("white") ? 1f : 0f));
        });
  }

  private static ImageBatch framed(ImageBatch inner, int height, int width, float around) {
    int channels = inner.channels();
    float[] out = new float[HeapRoom.forFloats(inner.batch(), channels, height, width)];
    Arrays.fill(out, around);
    int top = (height - inner.height()) / 2;
    int left = (width - inner.width()) / 2;
    int line = inner.width() * channels;
    for (int row = 0; row < inner.batch() * inner.height(); row++) {
      int y = row / inner.height() * height + top + row % inner.height();
      System.arraycopy(inner.values(), row * line, out, (y * width + left) * channels, line);
    }
    return new ImageBatch(out, inner.batch(), height, width, channels);
  }

  private static Node size() {
    return FunctionNode.of(
        schema("GetImageSize", "image")
            .display("Get Image Size")
            .description("Width, height and number of pictures.")
            .required(IMAGE)
            .hidden(NodeSchema.Hidden.UNIQUE_ID)
            .returns(PortType.INT, "width")
            .returns(PortType.INT, "height")
            .returns(PortType.INT, "batch_size"),
        (inputs, context) -> {
          ImageBatch image = inputs.get(IMAGE);
          context.tell(
              new ClientMessage.Text(
                  "%d × %d, batch of %d".formatted(image.width(), image.height(), image.batch())));
          return NodeResult.of((long) image.width(), (long) image.height(), (long) image.batch());
        });
  }

  private static Node addNoise() {
    Input.IntInput seed = Input.seed("seed");
    Input.FloatInput strength = Input.fraction("strength", 0.5, 0, 1, 0.01);
    return FunctionNode.of(
        schema("ImageAddNoise", "image")
            .description("Adds normal noise to each number.")
            .required(IMAGE, seed, strength)
            .returns(PortType.IMAGE),
        (inputs, context) -> {
          ImageBatch image = inputs.get(IMAGE);
          float share = inputs.get(strength).floatValue();
          float[] out = new TorchGenerator(inputs.get(seed)).randn(image.values().length);
          for (int i = 0; i < out.length; i++) {
            out[i] = Math.clamp(image.values()[i] + share * out[i], 0f, 1f);
          }
          return NodeResult.of(Filters.with(image, out));
        });
  }

  private static NodeSchema.Builder compositing(String name, String display) {
    return NodeSchema.named(name)
        .display(display)
        .category("mask/compositing")
        .extra("nodes_compositing")
        .newer();
  }

  private static Node splitAlpha() {
    return FunctionNode.of(
        compositing("SplitImageWithAlpha", "Split Image with Alpha")
            .description("A picture's colours, and a mask that is 1 where it is transparent.")
            .required(IMAGE)
            .returns(PortType.IMAGE)
            .returns(PortType.MASK),
        (inputs, context) -> {
          ImageBatch image = inputs.get(IMAGE);
          ImageBatch opaque = Filters.channels(image, RGB + 1);
          float[] mask = new float[opaque.values().length / opaque.channels()];
          for (int i = 0; i < mask.length; i++) {
            mask[i] = 1f - opaque.values()[i * opaque.channels() + RGB];
          }
          return NodeResult.of(
              Filters.channels(image, RGB),
              new MaskBatch(mask, image.batch(), image.height(), image.width()));
        });
  }

  private static Node joinAlpha() {
    Input.SocketInput<MaskBatch> alpha = Input.socket("alpha", PortType.MASK);
    return FunctionNode.of(
        compositing("JoinImageWithAlpha", "Join Image with Alpha")
            .description("A picture that is transparent where the mask is 1.")
            .required(IMAGE, alpha)
            .returns(PortType.IMAGE),
        (inputs, context) -> {
          ImageBatch image = Filters.channels(inputs.get(IMAGE), RGB);
          MaskBatch mask = Masks.resized(inputs.get(alpha), image.height(), image.width());
          int batch = Math.max(image.batch(), mask.batch());
          int pixels = image.height() * image.width();
          int channels = RGB + 1;
          float[] out =
              new float[HeapRoom.forFloats(batch, channels, image.height(), image.width())];
          for (int i = 0; i < batch * pixels; i++) {
            int colour = i % (image.batch() * pixels) * RGB;
            System.arraycopy(image.values(), colour, out, i * channels, RGB);
            out[i * channels + RGB] = 1f - mask.values()[i % mask.values().length];
          }
          return NodeResult.of(new ImageBatch(out, batch, image.height(), image.width(), channels));
        });
  }
}
