package quartet.engine.model.upscale;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.Relay;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Residual-in-residual dense blocks, then nearest-neighbour enlargements with convolutions. Source:
 * Wang et al. 2018, "ESRGAN", section 3.1; xinntao/Real-ESRGAN {@code RRDBNet} for the names.
 */
public final class RrdbNet {
  private static final float LEAK = 0.2f;
  private static final float RESIDUAL = 0.2f;
  private static final int CONVS = 5;
  private static final int RGB = 3;

  private final int unshuffle;
  private final int enlargements;
  private final Parameters.Conv2d first;
  private final List<List<Dense>> body = new ArrayList<>();
  private final Parameters.Conv2d bodyConv;
  private final List<Parameters.Conv2d> ups = new ArrayList<>();
  private final Parameters.@Nullable Conv2d high;
  private final Parameters.Conv2d last;

  private record Dense(List<Parameters.Conv2d> convs) {}

  /** Loads the network at {@code weights}. */
  public RrdbNet(WeightCursor weights) {
    Shape shown = weights.shape("conv_first.weight");
    int features = shown.dim(0);
    first = same(weights, "conv_first", shown.dim(1), features);
    unshuffle = (int) Math.round(Math.sqrt(first.inChannels() / (double) RGB));
    int blocks = weights.count("body.%d.rdb1.conv1.weight");
    for (int n = 0; n < blocks; n++) {
      List<Dense> three = new ArrayList<>();
      for (int m = 1; m <= 3; m++) {
        WeightCursor at = weights.at("body." + n + ".rdb" + m);
        List<Parameters.Conv2d> convs = new ArrayList<>();
        int growth = weights.shape("body.0.rdb1.conv1.weight").dim(0);
        for (int k = 1; k <= CONVS; k++) {
          int in = features + (k - 1) * growth;
          convs.add(same(at, "conv" + k, in, k < CONVS ? growth : features));
        }
        three.add(new Dense(convs));
      }
      body.add(three);
    }
    bodyConv = same(weights, "conv_body", features, features);
    for (int n = 1; weights.has("conv_up" + n + ".weight"); n++) {
      ups.add(same(weights, "conv_up" + n, features, features));
    }
    enlargements = ups.size();
    high = weights.has("conv_hr.weight") ? same(weights, "conv_hr", features, features) : null;
    last = same(weights, "conv_last", features, RGB);
  }

  private static Parameters.Conv2d same(WeightCursor weights, String name, int in, int out) {
    return weights.conv(name, in, out, Conv2dGeometry.SAME_3X3);
  }

  /** Times that a picture grows in each direction. */
  public int scale() {
    return (1 << enlargements) / unshuffle;
  }

  /** Pixels that must divide a picture's extents. */
  public int multiple() {
    return unshuffle;
  }

  /**
   * A larger picture.
   *
   * @param scope owns the result
   * @param x {@code [B, H/u, W/u, 3*u*u]} in 0..1, blocks of u pixels as channels
   * @return {@code [B, H*scale, W*scale, 3]}
   */
  public Tensor forward(TensorScope scope, Tensor x) {
    try (TensorScope call = scope.child("upscale")) {
      Tensor features = call.ops().conv2d(x, first, null);
      Relay relay = new Relay(call, features);
      for (List<Dense> block : body) {
        relay.then("block", (ops, in) -> residual(ops, block, in));
      }
      relay.then("conv_body", (ops, in) -> ops.conv2d(in, bodyConv, features));
      for (Parameters.Conv2d up : ups) {
        relay.then(
            "conv_up",
            (ops, in) -> {
              Tensor large = ops.resizeNearest(in, 2 * in.dim(1), 2 * in.dim(2));
              return leaky(ops, ops.conv2d(large, up, null));
            });
      }
      Parameters.Conv2d hr = high;
      if (hr != null) {
        relay.then("conv_hr", (ops, in) -> leaky(ops, ops.conv2d(in, hr, null)));
      }
      relay.then("conv_last", (ops, in) -> ops.conv2d(in, last, null));
      return call.handOver(relay.finish());
    }
  }

  private static Tensor residual(Ops ops, List<Dense> block, Tensor x) {
    Tensor h = x;
    for (Dense dense : block) {
      h = dense(ops, dense, h);
    }
    return ops.linearCombination(RESIDUAL, h, 1f, x);
  }

  private static Tensor dense(Ops ops, Dense dense, Tensor x) {
    Tensor seen = x;
    for (int k = 0; k < CONVS - 1; k++) {
      Tensor grown = leaky(ops, ops.conv2d(seen, dense.convs().get(k), null));
      seen = ops.concatLast(seen, grown);
    }
    return ops.linearCombination(
        RESIDUAL, ops.conv2d(seen, dense.convs().get(CONVS - 1), null), 1f, x);
  }

  /** {@code max(x, 0.2 x)}, out of ops that every device has. */
  private static Tensor leaky(Ops ops, Tensor x) {
    return ops.linearCombination(LEAK, x, 1f - LEAK, ops.clamp(x, 0f, Float.POSITIVE_INFINITY));
  }
}
