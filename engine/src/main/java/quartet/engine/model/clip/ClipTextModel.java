package quartet.engine.model.clip;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.Relay;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Token ids to hidden states. Source: Radford et al. 2021, section 2.4 (a GPT-2 style transformer
 * with causal attention).
 */
public final class ClipTextModel {
  private static final float EPSILON = 1e-5f;

  private final ClipConfig config;
  private final Parameters.Table tokens;
  private final Parameters.Table positions;
  private final List<ClipLayer> layers = new ArrayList<>();
  private final Parameters.Norm finalNorm;
  private final Parameters.@Nullable Linear projection;

  /** Loads the transformer at {@code weights}. */
  public ClipTextModel(WeightCursor weights, ClipConfig config) {
    this.config = config;
    tokens =
        weights.table("embeddings.token_embedding.weight", config.vocabulary(), config.width());
    positions =
        weights.table("embeddings.position_embedding.weight", config.positions(), config.width());
    for (int n = 0; n < config.layers(); n++) {
      layers.add(new ClipLayer(weights.at("encoder.layers." + n), config));
    }
    finalNorm = weights.norm("final_layer_norm", config.width());
    projection =
        weights.has("text_projection.weight")
            ? weights.linearWithoutBias(
                "text_projection", config.width(), weights.shape("text_projection.weight").dim(0))
            : null;
  }

  /** The extents. */
  public ClipConfig config() {
    return config;
  }

  /**
   * What one pass gives.
   *
   * @param selected {@code [B, T, D]}, the chosen layer's state
   * @param last {@code [B, T, D]}, the last layer's state after the final norm
   */
  public record Hidden(Tensor selected, Tensor last) {}

  /**
   * Runs all layers.
   *
   * @param ids {@code I32 [B, T]}
   * @param vectors what stands in for some tokens' embeddings, or null
   * @param stopAtLayer -1 for the last layer, -2 for the one before, …; one further back than there
   *     are layers means the last
   * @param normed whether the chosen state goes through the final norm
   */
  public Hidden forward(
      TensorScope scope,
      HostTensor ids,
      @Nullable TokenVectors vectors,
      int stopAtLayer,
      boolean normed) {
    int run = layers.size() + 1 + stopAtLayer;
    int selectedAfter = run < 1 || run > layers.size() ? layers.size() : run;
    Relay h = new Relay(scope, embed(scope.ops(), ids, vectors)); // [B, T, D]
    for (ClipLayer layer : layers.subList(0, selectedAfter)) {
      h.then("clip layer", layer::forward);
    }
    Ops ops = scope.ops();
    Tensor selected =
        normed
            ? ops.layerNorm(h.value(), finalNorm, EPSILON)
            : ops.affine(h.value(), 1f, 0f); // a copy: the relay frees its own
    for (ClipLayer layer : layers.subList(selectedAfter, layers.size())) {
      h.then("clip layer", layer::forward);
    }
    Tensor last = ops.layerNorm(h.value(), finalNorm, EPSILON);
    h.close();
    return new Hidden(selected, last);
  }

  /**
   * A state times the projection that came with the model, if any.
   *
   * @param x {@code [B, D]}
   */
  public Tensor project(Ops ops, Tensor x) {
    return projection == null ? x : ops.linear(x, projection, Activation.NONE, null);
  }

  private Tensor embed(Ops ops, HostTensor ids, @Nullable TokenVectors vectors) {
    int batch = ids.shape().dim(0);
    int length = ids.shape().dim(1);
    int[] places = new int[batch * length];
    for (int i = 0; i < places.length; i++) {
      places[i] = i % length;
    }
    Tensor x = ops.embedding(tokens, ops.upload(ids)); // [B, T, D]
    if (vectors != null) {
      Shape shape = Shape.of(batch, length, config.width());
      Tensor kept = ops.multiply(x, ops.upload(HostTensor.of(shape, vectors.keep())));
      x = ops.add(kept, ops.upload(HostTensor.of(shape, vectors.values())));
    }
    Tensor at = ops.upload(HostTensor.of(Shape.of(batch, length), places));
    return ops.add(x, ops.embedding(positions, at));
  }
}
