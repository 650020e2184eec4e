package quartet.engine.model.clip;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import quartet.engine.model.blocks.CheckpointHints;
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
 * Pictures to hidden states and a summary. Source: Dosovitskiy et al. 2021, section 3.1; Radford et
 * al. 2021, section 2.4; names as in huggingface/transformers {@code
 * CLIPVisionModelWithProjection}.
 */
public final class ClipVisionModel {
  private static final float EPSILON = 1e-5f;
  private static final int RGB = 3;

  /** Of all published towers, whatever their width. Source: laion CLIP-ViT-H, -bigG configs. */
  private static final int HEADS = 16;

  /** Columns of a matrix are filled up to a multiple of this, for devices that want it. */
  private static final int ALIGNMENT = 8;

  private final int patch;
  private final int grid;
  private final int width;
  private final Parameters.Linear patches;
  private final Parameters.Table first;
  private final Parameters.Table positions;
  private final Parameters.Norm normBefore;
  private final List<ClipLayer> layers = new ArrayList<>();
  private final Parameters.Norm normAfter;
  private final Parameters.Linear projection;

  /** Loads the tower at {@code weights}. */
  public ClipVisionModel(WeightCursor weights, ClipKind kind, CheckpointHints hints) {
    WeightCursor tower = weights.at("vision_model");
    Shape kernel = tower.shape("embeddings.patch_embedding.weight"); // [D, 3, P, P]
    width = kernel.dim(0);
    patch = kernel.dim(-1);
    patches =
        tower.madeLinear(
            padded(
                tower.floats(
                    "embeddings.patch_embedding.weight", Shape.of(width, RGB, patch, patch))));
    first =
        tower.madeTable(
            HostTensor.of(
                Shape.of(1, width), tower.floats("embeddings.class_embedding", Shape.of(width))));
    int places = tower.shape("embeddings.position_embedding.weight").dim(0);
    grid = (int) Math.round(Math.sqrt(places - 1.0));
    positions = tower.table("embeddings.position_embedding.weight", grid * grid + 1, width);
    normBefore = tower.norm("pre_layrnorm", width);
    OptionalInt heads = hints.positive("vision_heads");
    int depth = tower.count("encoder.layers.%d.layer_norm1.weight");
    for (int n = 0; n < depth; n++) {
      layers.add(
          new ClipLayer(
              tower.at("encoder.layers." + n),
              width,
              heads.orElse(HEADS),
              kind.activation(),
              false));
    }
    normAfter = tower.norm("post_layernorm", width);
    projection =
        weights.linearWithoutBias(
            "visual_projection", width, weights.shape("visual_projection.weight").dim(0));
  }

  /** Height and width of the pictures it takes, in pixels. */
  public int side() {
    return patch * grid;
  }

  /** Tokens that it makes of a picture. */
  public int tokens() {
    return grid * grid + 1;
  }

  /** {@code [D, K] -> [D, K']}, K' a multiple of {@value #ALIGNMENT}. */
  private HostTensor padded(float[] values) {
    int inner = values.length / width;
    int columns = columns();
    float[] out = new float[width * columns];
    for (int row = 0; row < width; row++) {
      System.arraycopy(values, row * inner, out, row * columns, inner);
    }
    return HostTensor.of(Shape.of(width, columns), out);
  }

  private int columns() {
    return (RGB * patch * patch + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /**
   * What the tower makes of a picture.
   *
   * @param hidden {@code [1, T, D]}: the last layer's state of a token for the whole and one for
   *     each patch
   * @param embedding {@code [1, P]}
   */
  public record Seen(Tensor hidden, Tensor embedding) {}

  /**
   * Looks at one picture.
   *
   * @param scope owns the results
   * @param pixels {@code [side, side, 3]}, as it was trained on
   */
  public Seen forward(TensorScope scope, float[] pixels) {
    Ops ops = scope.ops();
    int tokens = tokens();
    int[] places = new int[tokens];
    Arrays.setAll(places, i -> i);
    Tensor cut = ops.upload(HostTensor.of(Shape.of((long) grid * grid, columns()), cut(pixels)));
    Tensor each = ops.linear(cut, patches, Activation.NONE, null); // [T - 1, D]
    Tensor whole = ops.embedding(first, ops.upload(HostTensor.of(Shape.of(1), new int[1])));
    Tensor x = ops.concatFirst(whole, each); // [T, D]
    x = ops.add(x, ops.embedding(positions, ops.upload(HostTensor.of(Shape.of(tokens), places))));
    x = ops.layerNorm(ops.reshape(x, Shape.of(1, tokens, width)), normBefore, EPSILON); // [1, T, D]
    Relay relay = new Relay(scope, x);
    for (ClipLayer layer : layers) {
      relay.then("vision layer", layer::forward);
    }
    Tensor hidden = relay.finish();
    Tensor summary = ops.sliceFirst(ops.reshape(hidden, Shape.of(tokens, width)), 0, 1); // [1, D]
    summary = ops.layerNorm(summary, normAfter, EPSILON);
    return new Seen(hidden, ops.linear(summary, projection, Activation.NONE, null));
  }

  /** Patches as rows, colour by colour: {@code [S, S, 3] -> [T - 1, K']}. */
  private float[] cut(float[] pixels) {
    int side = side();
    int columns = columns();
    float[] out = new float[grid * grid * columns];
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        int row = y / patch * grid + x / patch;
        for (int c = 0; c < RGB; c++) {
          int column = (c * patch + y % patch) * patch + x % patch;
          out[row * columns + column] = pixels[(y * side + x) * RGB + c];
        }
      }
    }
    return out;
  }
}
