package quartet.engine.model.vae;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.Relay;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.Parameters;

/** From pixels to a distribution over latents. Source: CompVis {@code Encoder}. */
final class VaeEncoder {
  private final Parameters.Conv2d in;

  /** Highest resolution first. */
  private final List<Level> levels = new ArrayList<>();

  private final VaeMiddle middle;
  private final Parameters.Norm outNorm;
  private final Parameters.Conv2d out;

  private record Level(List<VaeResBlock> blocks, Parameters.@Nullable Conv2d downsample) {}

  VaeEncoder(WeightCursor weights) {
    int channels = weights.shape("conv_in.weight").dim(0);
    in =
        weights.conv(
            "conv_in", weights.shape("conv_in.weight").dim(1), channels, Conv2dGeometry.SAME_3X3);
    int count = weights.count("down.%d.block.0.conv1.weight");
    for (int n = 0; n < count; n++) {
      WeightCursor at = weights.at("down." + n);
      List<VaeResBlock> blocks = new ArrayList<>();
      for (int b = 0; at.has("block." + b + ".conv1.weight"); b++) {
        VaeResBlock block = new VaeResBlock(at.at("block." + b), channels);
        blocks.add(block);
        channels = block.outChannels();
      }
      levels.add(
          new Level(
              blocks,
              at.has("downsample.conv.weight")
                  ? at.conv(
                      "downsample.conv", channels, channels, Conv2dGeometry.DOWN_3X3_RIGHT_BOTTOM)
                  : null));
    }
    middle = new VaeMiddle(weights.at("mid"), channels);
    outNorm = weights.norm("norm_out", channels);
    out =
        weights.conv(
            "conv_out", channels, weights.shape("conv_out.weight").dim(0), Conv2dGeometry.SAME_3X3);
  }

  /** {@code [B, 8h, 8w, 3] -> [B, h, w, 2Z]}. */
  void forward(Relay h) {
    h.then("conv_in", (ops, x) -> ops.conv2d(x, in, null)); // [B, 8h, 8w, C]
    for (Level level : levels) {
      for (VaeResBlock block : level.blocks()) {
        h.then("block", block::forward);
      }
      Parameters.Conv2d downsample = level.downsample();
      if (downsample != null) {
        h.then("downsample", (ops, x) -> ops.conv2d(x, downsample, null));
      }
    }
    middle.forward(h); // [B, h, w, C]
    h.then(
        "conv_out",
        (ops, x) ->
            ops.conv2d(
                ops.groupNorm(x, outNorm, Autoencoder.GROUPS, Autoencoder.EPSILON, Activation.SILU),
                out,
                null));
  }
}
