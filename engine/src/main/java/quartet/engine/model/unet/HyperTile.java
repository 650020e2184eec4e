package quartet.engine.model.unet;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.value.ModelOptions;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/**
 * Self-attention in tiles: the cost of attention among all pixels of a large picture is quadratic
 * in their number. Source: tfernd/HyperTile (idea); ComfyUI {@code HyperTile} (behaviour, with its
 * peculiarities: queries are cut into tiles, keys and values into as many strips of rows, and of a
 * picture that is not square the extents are taken the other way round).
 *
 * <p>Not thread-safe: it counts its calls, so one belongs to one run.
 */
public final class HyperTile {
  private static final int PIXELS_PER_LATENT = 8;
  private static final int SMALLEST_TILE = 32;

  private final ModelOptions.HyperTile choice;
  private int choices;

  /** Tiles for one run. */
  public HyperTile(ModelOptions.HyperTile choice) {
    this.choice = choice;
  }

  /** For a network that is shown {@code [B, height, width, C]}. */
  SelfAttention of(int height, int width) {
    return (ops, joined, heads, block) -> {
      Cut cut = cut(joined.dim(1), height, width);
      return cut == null ? ops.selfAttention(joined, heads, false) : tiled(ops, joined, heads, cut);
    };
  }

  /**
   * How tokens are cut: {@code rows * columns} of them into {@code down * across} tiles.
   *
   * @param down how many tiles below each other
   */
  record Cut(int rows, int columns, int down, int across) {}

  /** Null where the tokens stay together. */
  @Nullable Cut cut(int tokens, int height, int width) {
    int depth = depth(tokens, height, width);
    if (depth < 0) {
      return null;
    }
    double proportion = (double) width / height;
    int rows = (int) Math.rint(Math.sqrt(tokens * proportion));
    int columns = (int) Math.rint(Math.sqrt(tokens / proportion));
    int tile = Math.max(SMALLEST_TILE, choice.tileSize()) / PIXELS_PER_LATENT;
    int smallest = choice.scaleDepth() ? tile << depth : tile;
    int down = parts(rows, smallest);
    int across = parts(columns, smallest);
    boolean whole = rows * columns == tokens && tokens % (down * across) == 0;
    return whole && down * across > 1 ? new Cut(rows, columns, down, across) : null;
  }

  /** How often the tokens' extents were halved, or -1 if that is none of the chosen depths. */
  private int depth(int tokens, int height, int width) {
    for (int depth = 0; depth <= choice.maxDepth(); depth++) {
      double halvings = 1L << depth;
      if (height / halvings * (width / halvings) == tokens) {
        return depth;
      }
    }
    return -1;
  }

  /**
   * Into how many parts an extent is cut, none smaller than asked for. Of several possible numbers
   * the last is never taken, as in ComfyUI; the others take turns, where ComfyUI draws.
   */
  private int parts(int extent, int smallest) {
    List<Integer> options = new ArrayList<>();
    for (int size = Math.min(smallest, extent); size <= extent; size++) {
      if (extent % size == 0 && options.size() < choice.swapSize()) {
        options.add(extent / size);
      }
    }
    int usable = Math.max(1, options.size() - 1);
    return options.get(Math.floorMod(choices++, usable));
  }

  /** {@code [B, T, 3*D] -> [B, T, D]}. */
  private static Tensor tiled(Ops ops, Tensor joined, int heads, Cut cut) {
    int batch = joined.dim(0);
    int width = SelfAttention.width(joined); // D
    int tileRows = cut.rows() / cut.down();
    int tileColumns = cut.columns() / cut.across();
    int strip = joined.dim(1) / (cut.down() * cut.across());
    Shape rows = Shape.of((long) batch * cut.rows(), (long) cut.columns() * width);
    Shape strips = Shape.of((long) batch * cut.down(), (long) cut.across() * strip * width);
    Tensor query = ops.reshape(ops.sliceLast(joined, 0, width), rows); // [B*rows, columns*D]
    Tensor key = ops.reshape(ops.sliceLast(joined, width, 2 * width), strips); // [B*down, ..*D]
    Tensor value = ops.reshape(ops.sliceLast(joined, 2 * width, 3 * width), strips);
    Shape tile = Shape.of((long) batch * cut.down(), (long) tileRows * tileColumns, width);
    Shape seen = Shape.of((long) batch * cut.down(), strip, width);
    Shape column = Shape.of((long) batch * cut.rows(), (long) tileColumns * width);
    Tensor out = null;
    for (int n = 0; n < cut.across(); n++) {
      int at = n * tileColumns * width;
      Tensor q = ops.reshape(ops.sliceLast(query, at, at + tileColumns * width), tile);
      int from = n * strip * width;
      Tensor k = ops.reshape(ops.sliceLast(key, from, from + strip * width), seen);
      Tensor v = ops.reshape(ops.sliceLast(value, from, from + strip * width), seen);
      Tensor attended = ops.attention(q, k, v, heads, false); // [B*down, tile, D]
      Tensor part = ops.reshape(attended, column); // [B*rows, tile columns*D]
      out = out == null ? part : ops.concatLast(out, part);
    }
    if (out == null) {
      throw new IllegalStateException("no tiles in " + cut);
    }
    return ops.reshape(out, Shape.of(batch, joined.dim(1), width)); // [B, T, D]
  }
}
