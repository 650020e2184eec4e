package quartet.engine.model.style;

import java.util.ArrayList;
import java.util.List;
import quartet.engine.model.blocks.Relay;
import quartet.engine.model.blocks.WeightCursor;
import quartet.engine.model.clip.ClipLayer;
import quartet.tensor.Activation;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Learnt tokens that look at a picture's and become tokens of a prompt. Source: Mou et al. 2023,
 * "T2I-Adapter"; TencentARC/T2I-Adapter {@code StyleAdapter} for the names.
 */
public final class StyleAdapter {
  private static final float EPSILON = 1e-5f;
  private static final int HEADS = 8;

  private final int width;
  private final int count;
  private final Parameters.Table tokens;
  private final Parameters.Norm normBefore;
  private final List<ClipLayer> layers = new ArrayList<>();
  private final Parameters.Norm normAfter;
  private final Parameters.Linear projection;

  /** Loads the adapter at {@code weights}. */
  public StyleAdapter(WeightCursor weights) {
    Shape shape = weights.shape("style_embedding"); // [1, count, D]
    count = shape.dim(1);
    width = shape.dim(2);
    tokens =
        weights.madeTable(
            HostTensor.of(
                Shape.of(count, width),
                weights.floats("style_embedding", Shape.of(1, count, width))));
    normBefore = weights.norm("ln_pre", width);
    int depth = weights.count("encoder.layers.%d.layer_norm1.weight");
    for (int n = 0; n < depth; n++) {
      layers.add(
          new ClipLayer(
              weights.at("encoder.layers." + n), width, HEADS, Activation.QUICK_GELU, false));
    }
    normAfter = weights.norm("ln_post", width);
    projection = weights.linearWithoutBias("proj", width, weights.shape("proj.weight").dim(0));
  }

  /** Width of a picture's tokens. */
  public int seenWidth() {
    return width;
  }

  /** Tokens that it makes of a picture. */
  public int count() {
    return count;
  }

  /** Width of the tokens that it makes. */
  public int contextWidth() {
    return projection.outWidth();
  }

  /**
   * Tokens for one picture.
   *
   * @param scope owns the result
   * @param hidden {@code [T, D]}, a vision tower's last state
   * @return {@code [count, E]}
   */
  public Tensor forward(TensorScope scope, HostTensor hidden) {
    Ops ops = scope.ops();
    int seen = hidden.shape().dim(0);
    int[] places = new int[count];
    java.util.Arrays.setAll(places, i -> i);
    Tensor own = ops.embedding(tokens, ops.upload(HostTensor.of(Shape.of(count), places)));
    Tensor x = ops.concatFirst(ops.upload(hidden), own); // [T + count, D]
    x = ops.reshape(x, Shape.of(1, (long) seen + count, width));
    Relay relay = new Relay(scope, ops.layerNorm(x, normBefore, EPSILON)); // [1, T + count, D]
    for (ClipLayer layer : layers) {
      relay.then("style layer", layer::forward);
    }
    Tensor state = ops.reshape(relay.finish(), Shape.of((long) seen + count, width));
    Tensor made = ops.layerNorm(ops.sliceFirst(state, seen, seen + count), normAfter, EPSILON);
    return ops.linear(made, projection, Activation.NONE, null); // [count, E]
  }
}
