package quartet.engine.model.vae;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.Relay;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.Parameters;

/** From latents to pixels. Source: CompVis {@code Decoder}. */
final class VaeDecoder {
  private final Parameters.Conv2d in;
  private final VaeMiddle middle;

  /** Lowest resolution first. */
  private final List<Level> levels = new ArrayList<>();

  private final Parameters.Norm outNorm;
  private final Parameters.Conv2d out;

  private record Level(List<VaeResBlock> blocks, Parameters.@Nullable Conv2d upsample) {}

  VaeDecoder(WeightCursor weights, int latentChannels) {
    int channels = weights.shape("conv_in.weight").dim(0);
    in = weights.conv("conv_in", latentChannels, channels, Conv2dGeometry.SAME_3X3);
    middle = new VaeMiddle(weights.at("mid"), channels);
    // up.0 is the highest resolution, so the last level runs first.
    for (int n = weights.count("up.%d.block.0.conv1.weight") - 1; n >= 0; n--) {
      WeightCursor at = weights.at("up." + n);
      List<VaeResBlock> blocks = new ArrayList<>();
      for (int b = 0; at.has("block." + b + ".conv1.weight"); b++) {
        VaeResBlock block = new VaeResBlock(at.at("block." + b), channels);
        blocks.add(block);
        channels = block.outChannels();
      }
      levels.add(
          new Level(
              blocks,
              at.has("upsample.conv.weight")
                  ? at.conv("upsample.conv", channels, channels, Conv2dGeometry.SAME_3X3)
                  : null));
    }
    outNorm = weights.norm("norm_out", channels);
    out =
        weights.conv(
            "conv_out", channels, weights.shape("conv_out.weight").dim(0), Conv2dGeometry.SAME_3X3);
  }

  /** Pixels per latent pixel, in each direction. */
  int scaleFactor() {
    return 1 << levels.stream().filter(level -> level.upsample() != null).count();
  }

  /** What the last enlargement gives: as wide as the level before, with all the pixels. */
  int widestPixel() {
    return levels.stream()
        .map(Level::upsample)
        .filter(Objects::nonNull)
        .reduce((first, second) -> second)
        .map(Parameters.Conv2d::outChannels)
        .orElse(outNorm.channels());
  }

  /** {@code [B, h, w, Z] -> [B, 8h, 8w, 3]}. */
  void forward(Relay h) {
    h.then("conv_in", (ops, x) -> ops.conv2d(x, in, null)); // [B, h, w, C]
    middle.forward(h);
    for (Level level : levels) {
      for (VaeResBlock block : level.blocks()) {
        h.then("block", block::forward);
      }
      Parameters.Conv2d upsample = level.upsample();
      if (upsample != null) {
        h.then(
            "upsample",
            (ops, x) ->
                ops.conv2d(ops.resizeNearest(x, 2 * x.dim(1), 2 * x.dim(2)), upsample, null));
      }
    }
    h.then(
        "conv_out",
        (ops, x) ->
            ops.conv2d(
                ops.groupNorm(x, outNorm, Autoencoder.GROUPS, Autoencoder.EPSILON, Activation.SILU),
                out,
                null));
  }
}
