package quartet.engine.model.unet;

import java.util.ArrayList;
import java.util.List;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/**
 * Plain self-attention that also tells how much attention each token of some items gets from all
 * tokens together, on average over the heads, in a transformer's first block. Source: Hong et al.
 * 2023, "Self-Attention Guidance", section 4.3.
 *
 * <p>Attention's own weights are asked for with values that name their token: of as many tokens at
 * a time as a head has columns, each gets a column of its own.
 *
 * <p>Not thread-safe: one belongs to one evaluation.
 */
public final class AttentionWatch implements SelfAttention {
  private final int from;
  private final int to;
  private float[][] sums = {};

  /**
   * Watches items {@code from} to {@code to} (exclusive) of the batch.
   *
   * @param from first item
   */
  public AttentionWatch(int from, int to) {
    this.from = from;
    this.to = to;
  }

  /** For each watched item the sum per token, {@code [to - from][T]}; empty if nothing was seen. */
  public float[][] sums() {
    return sums;
  }

  @Override
  public Tensor apply(Ops ops, Tensor joined, int heads, int block) {
    if (block == 0) {
      watch(ops, ops.sliceFirst(joined, from, to), heads);
    }
    return ops.selfAttention(joined, heads, false);
  }

  private void watch(Ops ops, Tensor joined, int heads) {
    int width = SelfAttention.width(joined); // N*S
    int tokens = joined.dim(1);
    int columns = width / heads; // S
    Tensor query = ops.sliceLast(joined, 0, width);
    Tensor key = ops.sliceLast(joined, width, 2 * width);
    sums = new float[to - from][tokens];
    for (int first = 0; first < tokens; first += columns) {
      Tensor names = ops.upload(names(joined.dim(0), tokens, heads, columns, first));
      Tensor weights = ops.attention(query, key, names, heads, false); // [B, T, N*S]
      float[] totals = ops.download(totals(ops, weights)); // [B, N*S]
      for (int i = 0; i < totals.length; i++) {
        int token = first + i % columns;
        if (token < tokens) {
          sums[i / width][token] += totals[i] / heads;
        }
      }
    }
  }

  /** For every head, a 1 in column s of token first + s. */
  private static HostTensor names(int batch, int tokens, int heads, int columns, int first) {
    int width = heads * columns;
    float[] values = new float[batch * tokens * width];
    int last = Math.min(tokens, first + columns);
    for (int b = 0; b < batch; b++) {
      for (int token = first; token < last; token++) {
        for (int head = 0; head < heads; head++) {
          values[(b * tokens + token) * width + head * columns + token - first] = 1f;
        }
      }
    }
    return HostTensor.of(Shape.of(batch, tokens, width), values);
  }

  /** Sums over the tokens by halving: {@code [B, T, W] -> [B, W]}. */
  private static Tensor totals(Ops ops, Tensor x) {
    int width = x.dim(2);
    int count = x.dim(1);
    Tensor rows = ops.reshape(x, Shape.of(x.dim(0), (long) count * width));
    List<Tensor> odd = new ArrayList<>();
    while (count > 1) {
      int half = count / 2;
      if (count % 2 == 1) {
        odd.add(ops.sliceLast(rows, (count - 1) * width, count * width));
      }
      rows =
          ops.add(
              ops.sliceLast(rows, 0, half * width),
              ops.sliceLast(rows, half * width, 2 * half * width));
      count = half;
    }
    for (Tensor one : odd) {
      rows = ops.add(rows, one);
    }
    return rows;
  }
}
