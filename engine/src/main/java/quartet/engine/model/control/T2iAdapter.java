package quartet.engine.model.control;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.Relay;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * A small network that turns a picture into features of each of the UNet's levels. It depends on
 * neither noise nor prompt, so it runs once. Source: Mou et al. 2023, "T2I-Adapter", section 3.2;
 * TencentARC/T2I-Adapter {@code Adapter} for the names.
 */
public final class T2iAdapter {
  private static final int UNSHUFFLE = 8;
  private static final int UNSHUFFLE_XL = 16;
  private static final int LEVELS = 4;
  private static final Conv2dGeometry HALVE = new Conv2dGeometry(2, 2, 0, 0, 0, 0);

  /** Behind which input blocks of Stable Diffusion 1's UNet the levels' features are added. */
  private static final List<Integer> PLACES = List.of(2, 5, 8, 11);

  /** The same of SDXL's, whose last level's are added behind the middle block. */
  private static final List<Integer> PLACES_XL = List.of(3, 5, 8);

  private final int unshuffle;
  private final int channels;
  private final Parameters.Conv2d in;
  private final List<Block> blocks = new ArrayList<>();
  private final int blocksPerLevel;
  private final int widest;

  private record Block(
      Parameters.@Nullable Conv2d halve,
      Parameters.@Nullable Conv2d in,
      Parameters.Conv2d first,
      Parameters.Conv2d second,
      Parameters.@Nullable Conv2d skip) {}

  /** Loads the network at {@code weights}. */
  public T2iAdapter(WeightCursor weights) {
    Shape first = weights.shape("conv_in.weight");
    int count = weights.count("body.%d.block1.weight");
    blocksPerLevel = Math.max(1, count / LEVELS);
    // SDXL's adapter sees blocks of 16 pixels of three colours or one, Stable Diffusion 1's of 8.
    int wide = UNSHUFFLE_XL * UNSHUFFLE_XL;
    unshuffle = first.dim(1) == 3 * wide || first.dim(1) == wide ? UNSHUFFLE_XL : UNSHUFFLE;
    channels = first.dim(1) / (unshuffle * unshuffle);
    in = weights.conv("conv_in", first.dim(1), first.dim(0), Conv2dGeometry.SAME_3X3);
    int width = first.dim(0);
    int most = Math.max(first.dim(1), width);
    for (int n = 0; n < count; n++) {
      WeightCursor at = weights.at("body." + n);
      boolean levelBegins = n > 0 && n % blocksPerLevel == 0;
      int level = n / blocksPerLevel;
      boolean halves = levelBegins && (unshuffle == UNSHUFFLE || level == 2);
      Block block = block(at, width, halves);
      blocks.add(block);
      width = block.second().outChannels();
      most = Math.max(most, width);
    }
    widest = most;
  }

  private static Block block(WeightCursor at, int in, boolean halves) {
    int out = at.shape("block1.weight").dim(0);
    int inner = at.has("in_conv.weight") ? out : in;
    return new Block(
        halves ? meanOfFour(at, in) : null,
        at.has("in_conv.weight") ? same(at, "in_conv", in, out) : null,
        same(at, "block1", inner, out),
        same(at, "block2", out, out),
        at.has("skep.weight") ? same(at, "skep", inner, out) : null);
  }

  /** A convolution of the kernel it is stored with, which keeps the size. */
  private static Parameters.Conv2d same(WeightCursor at, String name, int in, int out) {
    Shape shape = at.shape(name + ".weight");
    boolean pointwise = shape.rank() == 4 && shape.dim(2) == 1;
    return at.conv(name, in, out, pointwise ? Conv2dGeometry.POINTWISE : Conv2dGeometry.SAME_3X3);
  }

  private static Parameters.Conv2d meanOfFour(WeightCursor at, int channels) {
    float[] weight = new float[channels * channels * 4];
    for (int c = 0; c < channels; c++) {
      java.util.Arrays.fill(weight, (c * channels + c) * 4, (c * channels + c) * 4 + 4, 0.25f);
    }
    return at.made(HostTensor.of(Shape.of(channels, channels, 2, 2), weight), HALVE);
  }

  /** As many as any layer's channels, as if none saw fewer pixels than the latent has. */
  int widestPixel() {
    return widest;
  }

  /** The features of a picture by level, in {@code scope}: each {@code [B, h, w, C]}. */
  List<Tensor> features(TensorScope scope, ControlModel.Hint hint) {
    List<Tensor> levels = new ArrayList<>();
    Relay relay = new Relay(scope, scope.ops().upload(hint.unshuffled(unshuffle, channels)));
    relay.then("conv_in", (ops, x) -> ops.conv2d(x, in, null));
    for (int n = 0; n < blocks.size(); n++) {
      Block block = blocks.get(n);
      relay.then("body", (ops, x) -> run(ops, block, x));
      if ((n + 1) % blocksPerLevel == 0) {
        levels.add(scope.ops().affine(relay.value(), 1f, 0f));
      }
    }
    relay.close();
    return levels;
  }

  /** Where the features of each level go. */
  ControlModel.Output output(List<Tensor> levels) {
    Map<Integer, Tensor> inputs = new HashMap<>();
    List<Integer> places = unshuffle == UNSHUFFLE ? PLACES : PLACES_XL;
    Tensor middle = null;
    for (int level = 0; level < levels.size(); level++) {
      if (level < places.size()) {
        inputs.put(places.get(level), levels.get(level));
      } else {
        middle = levels.get(level);
      }
    }
    return new ControlModel.Output(inputs, Map.of(), middle);
  }

  private static Tensor run(Ops ops, Block block, Tensor input) {
    Tensor x = input;
    if (block.halve() != null) {
      x = ops.conv2d(x, block.halve(), null);
    }
    if (block.in() != null) {
      x = ops.conv2d(x, block.in(), null);
    }
    Tensor h = ops.clamp(ops.conv2d(x, block.first(), null), 0f, Float.POSITIVE_INFINITY);
    Tensor skip = block.skip() == null ? x : ops.conv2d(x, block.skip(), null);
    return ops.conv2d(h, block.second(), skip);
  }
}
