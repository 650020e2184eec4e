package quartet.engine.nodes;

import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.MaskBatch;

/** Nodes that turn, cut, put together and mix latents. */
final class LatentNodes {
  private static final int PIXELS_PER_LATENT = 8;
  private static final int MAX = CoreNodes.MAX_RESOLUTION;

  static final Input.SocketInput<LatentBatch> SAMPLES = Input.socket("samples", PortType.LATENT);
  static final Input.SocketInput<LatentBatch> FIRST = Input.socket("samples1", PortType.LATENT);
  static final Input.SocketInput<LatentBatch> SECOND = Input.socket("samples2", PortType.LATENT);

  private LatentNodes() {}

  static List<Node> all() {
    return List.of(
        upscaleBy(),
        composite(),
        blend(),
        rotate(),
        flip(),
        crop(),
        add(),
        subtract(),
        multiply(),
        interpolate(),
        setNoiseMask(),
        compositeMasked());
  }

  static NodeSchema.Builder schema(String name, String display, String category) {
    return NodeSchema.named(name).display(display).category(category).returns(PortType.LATENT);
  }

  private static Node upscaleBy() {
    Input.ComboInput method =
        Input.choice("upscale_method", "nearest-exact", "bilinear", "area", "bicubic", "bislerp");
    Input.FloatInput factor = Input.fraction("scale_by", 1.5, 0.01, 8, 0.01);
    return FunctionNode.of(
        schema("LatentUpscaleBy", "Upscale Latent By", "latent")
            .description("Resizes latents by a factor.")
            .required(SAMPLES, method, factor),
        (inputs, context) -> {
          LatentBatch latent = inputs.get(SAMPLES);
          int height = Filters.scaled(latent.height(), inputs.get(factor));
          int width = Filters.scaled(latent.width(), inputs.get(factor));
          return NodeResult.of(LatentUpscale.resized(latent, inputs.get(method), height, width));
        });
  }

  private static Node composite() {
    Input.SocketInput<LatentBatch> to = Input.socket("samples_to", PortType.LATENT);
    Input.SocketInput<LatentBatch> from = Input.socket("samples_from", PortType.LATENT);
    Input.IntInput x = Input.integer("x", 0, 0, MAX, 8);
    Input.IntInput y = Input.integer("y", 0, 0, MAX, 8);
    Input.IntInput feather = Input.integer("feather", 0, 0, MAX, 8);
    return FunctionNode.of(
        schema("LatentComposite", "Latent Composite", "latent")
            .description("Puts one latent onto another, with soft edges if wanted.")
            .required(to, from, x, y, feather),
        (inputs, context) -> {
          LatentBatch below = inputs.get(to);
          LatentBatch above = inputs.get(from);
          int left = inputs.getInt(x) / PIXELS_PER_LATENT;
          int top = inputs.getInt(y) / PIXELS_PER_LATENT;
          int soft = inputs.getInt(feather) / PIXELS_PER_LATENT;
          return NodeResult.of(
              Composites.onto(
                  below, above, left, top, Composites.feathered(below, above, left, top, soft)));
        });
  }

  private static Node compositeMasked() {
    Input.SocketInput<LatentBatch> destination = Input.socket("destination", PortType.LATENT);
    Input.SocketInput<LatentBatch> source = Input.socket("source", PortType.LATENT);
    Input.IntInput x = Input.integer("x", 0, 0, MAX, 8);
    Input.IntInput y = Input.integer("y", 0, 0, MAX, 8);
    Input.BooleanInput resize = Input.flag("resize_source", false);
    Input.SocketInput<MaskBatch> mask = Input.socket("mask", PortType.MASK);
    return FunctionNode.of(
        schema("LatentCompositeMasked", "LatentCompositeMasked", "latent")
            .extra("nodes_mask")
            .newer()
            .description("Puts one latent onto another where a mask says so.")
            .required(destination, source, x, y, resize)
            .optional(mask),
        (inputs, context) -> {
          LatentBatch below = inputs.get(destination);
          LatentBatch above = inputs.get(source);
          if (inputs.get(resize)) {
            above = LatentUpscale.resized(above, "bilinear", below.height(), below.width());
          }
          MaskBatch given = inputs.find(mask).orElse(null);
          LatentBatch placed = above;
          float @Nullable [] share =
              given == null ? null : Masks.resized(given, placed.height(), placed.width()).values();
          return NodeResult.of(
              Composites.onto(
                  below,
                  placed,
                  inputs.getInt(x) / PIXELS_PER_LATENT,
                  inputs.getInt(y) / PIXELS_PER_LATENT,
                  share));
        });
  }

  private static Node blend() {
    Input.FloatInput factor = Input.fraction("blend_factor", 0.5, 0, 1, 0.01);
    return FunctionNode.of(
        schema("LatentBlend", "Latent Blend", "_for_testing")
            .description("Mixes two latents; 1 is the first alone.")
            .required(FIRST, SECOND, factor),
        (inputs, context) -> {
          float share = inputs.get(factor).floatValue();
          return NodeResult.of(
              combined(
                  inputs.get(FIRST),
                  inputs.get(SECOND),
                  "bicubic",
                  (a, b) -> a * share + b * (1 - share)));
        });
  }

  /** Two numbers to one. */
  @FunctionalInterface
  private interface Pair {
    float apply(float a, float b);
  }

  /** The second is resized to the first and repeated as often as need be. */
  private static LatentBatch combined(
      LatentBatch first, LatentBatch second, String method, Pair pair) {
    LatentBatch other = fitted(second, first, method);
    int item = first.channels() * first.height() * first.width();
    float[] out = new float[first.values().length];
    for (int i = 0; i < out.length; i++) {
      int from = i / item % other.batch() * item + i % item;
      out[i] = pair.apply(first.values()[i], other.values()[from]);
    }
    return first.withValues(out);
  }

  /** Resized to the first, if need be. */
  static LatentBatch fitted(LatentBatch second, LatentBatch first, String method) {
    requireChannels(first, second);
    return first.height() == second.height() && first.width() == second.width()
        ? second
        : LatentUpscale.resizedAround(second, method, first.height(), first.width());
  }

  private static void requireChannels(LatentBatch first, LatentBatch second) {
    if (first.channels() != second.channels()) {
      throw new IllegalArgumentException(
          "latents of %d and %d channels cannot be put together"
              .formatted(first.channels(), second.channels()));
    }
  }

  private static Node rotate() {
    Input.ComboInput rotation =
        Input.choice("rotation", "none", "90 degrees", "180 degrees", "270 degrees");
    return FunctionNode.of(
        schema("LatentRotate", "Rotate Latent", "latent/transform")
            .description("Turns latents clockwise.")
            .required(SAMPLES, rotation),
        (inputs, context) -> {
          LatentBatch latent = inputs.get(SAMPLES);
          int quarters = "0123".indexOf(quarter(inputs.get(rotation)));
          for (int n = 0; n < quarters; n++) {
            latent = Composites.turned(latent);
          }
          return NodeResult.of(latent);
        });
  }

  private static char quarter(String rotation) {
    return switch (rotation) {
      case "90 degrees" -> '1';
      case "180 degrees" -> '2';
      case "270 degrees" -> '3';
      default -> '0';
    };
  }

  private static Node flip() {
    Input.ComboInput method =
        Input.choice("flip_method", "x-axis: vertically", "y-axis: horizontally");
    return FunctionNode.of(
        schema("LatentFlip", "Flip Latent", "latent/transform")
            .description("Mirrors latents.")
            .required(SAMPLES, method),
        (inputs, context) ->
            NodeResult.of(
                Composites.flipped(inputs.get(SAMPLES), inputs.get(method).startsWith("x"))));
  }

  private static Node crop() {
    Input.IntInput width = Input.integer("width", 512, 64, MAX, 8);
    Input.IntInput height = Input.integer("height", 512, 64, MAX, 8);
    Input.IntInput x = Input.integer("x", 0, 0, MAX, 8);
    Input.IntInput y = Input.integer("y", 0, 0, MAX, 8);
    return FunctionNode.of(
        schema("LatentCrop", "Crop Latent", "latent/transform")
            .description("A rectangle of latents.")
            .required(SAMPLES, width, height, x, y),
        (inputs, context) -> {
          LatentBatch latent = inputs.get(SAMPLES);
          // A start beyond the last 64 pixels is moved back. Source: ComfyUI (behaviour).
          int least = 8;
          int left =
              Math.max(0, Math.min(inputs.getInt(x) / PIXELS_PER_LATENT, latent.width() - least));
          int top =
              Math.max(0, Math.min(inputs.getInt(y) / PIXELS_PER_LATENT, latent.height() - least));
          int right = Math.min(latent.width(), left + inputs.getInt(width) / PIXELS_PER_LATENT);
          int bottom = Math.min(latent.height(), top + inputs.getInt(height) / PIXELS_PER_LATENT);
          return NodeResult.of(Composites.cut(latent, top, left, bottom - top, right - left));
        });
  }

  private static Node arithmetic(String name, String description, Pair pair) {
    return FunctionNode.of(
        schema(name, name, "latent/advanced")
            .extra("nodes_latent")
            .newer()
            .description(description)
            .required(FIRST, SECOND),
        (inputs, context) ->
            NodeResult.of(combined(inputs.get(FIRST), inputs.get(SECOND), "bilinear", pair)));
  }

  private static Node add() {
    return arithmetic("LatentAdd", "The sum of two latents.", Float::sum);
  }

  private static Node subtract() {
    return arithmetic("LatentSubtract", "The first latent minus the second.", (a, b) -> a - b);
  }

  private static Node multiply() {
    Input.FloatInput factor = Input.fraction("multiplier", 1.0, -10, 10, 0.01);
    return FunctionNode.of(
        schema("LatentMultiply", "LatentMultiply", "latent/advanced")
            .extra("nodes_latent")
            .newer()
            .description("A latent times a number.")
            .required(SAMPLES, factor),
        (inputs, context) -> {
          LatentBatch latent = inputs.get(SAMPLES);
          float times = inputs.get(factor).floatValue();
          return NodeResult.of(combined(latent, latent, "bilinear", (a, b) -> a * times));
        });
  }

  private static Node interpolate() {
    Input.FloatInput ratio = Input.fraction("ratio", 1.0, 0, 1, 0.01);
    return FunctionNode.of(
        schema("LatentInterpolate", "LatentInterpolate", "latent/advanced")
            .extra("nodes_latent")
            .newer()
            .description("Mixes directions and lengths of two latents apart; 1 is the first alone.")
            .required(FIRST, SECOND, ratio),
        (inputs, context) ->
            NodeResult.of(
                Composites.interpolated(
                    inputs.get(FIRST),
                    combined(inputs.get(FIRST), inputs.get(SECOND), "bilinear", (a, b) -> b),
                    inputs.get(ratio).floatValue())));
  }

  private static Node setNoiseMask() {
    Input.SocketInput<MaskBatch> mask = Input.socket("mask", PortType.MASK);
    return FunctionNode.of(
        schema("SetLatentNoiseMask", "Set Latent Noise Mask", "latent/inpaint")
            .description("Sampling changes a latent only where the mask says so.")
            .required(SAMPLES, mask),
        (inputs, context) -> {
          LatentBatch latent = inputs.get(SAMPLES);
          return NodeResult.of(
              new LatentBatch(
                  latent.values(),
                  latent.batch(),
                  latent.channels(),
                  latent.height(),
                  latent.width(),
                  inputs.get(mask),
                  latent.batchIndex()));
        });
  }
}
