package quartet.tensor.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Attention in tiles: 64 queries of one head against some hundred keys at a time, with the running
 * maximum and sum of each row carried along. Source: Milakov and Gimelshein 2018, algorithm 3; Dao
 * et al. 2022, algorithm 1.
 *
 * <p>The scores of a tile stay in the second-level cache and the whole matrix never exists. Heads
 * are read in place: the products take the distance between rows, so nothing is copied.
 */
final class AttentionKernel {
  private static final int QUERIES = 64;

  /** Up to this many keys there is one tile per row and nothing to carry. */
  private static final int ALL_KEYS = 1024;

  private static final int KEYS = 512;

  private final CpuHost host;

  AttentionKernel(CpuHost host) {
    this.host = host;
  }

  /** query and out {@code [B, T, N*S]}, key and value {@code [B, U, N*S]}. */
  void run(
      long query,
      long key,
      long value,
      int batch,
      int tokens,
      int keys,
      int heads,
      int headDim,
      boolean causal,
      long out) {
    long width = (long) heads * headDim;
    int blocks = (tokens + QUERIES - 1) / QUERIES;
    if (width == 0) {
      return;
    }
    host.threads()
        .run(
            batch * heads * blocks,
            (chunk, scratch) -> {
              int block = chunk % blocks;
              int head = chunk / blocks % heads;
              int item = chunk / blocks / heads;
              int first = block * QUERIES;
              int count = Math.min(QUERIES, tokens - first);
              long column = (long) head * headDim;
              long queryAt = (((long) item * tokens + first) * width + column) * Float.BYTES;
              long keyAt = ((long) item * keys * width + column) * Float.BYTES;
              int visible = causal ? Math.min(keys, first + count) : keys;
              tile(
                  query + queryAt,
                  key + keyAt,
                  value + keyAt,
                  count,
                  visible,
                  causal ? first : keys,
                  headDim,
                  width,
                  scratch,
                  out + queryAt);
            });
  }

  /**
   * One block of queries against all keys it sees.
   *
   * @param seenByFirst the first query sees keys up to this one, the next one more, and so on
   */
  private void tile(
      long query,
      long key,
      long value,
      int queries,
      int keys,
      int seenByFirst,
      int headDim,
      long width,
      Scratch scratch,
      long out) {
    int perTile = keys <= ALL_KEYS ? keys : KEYS;
    long scores = scratch.floats((long) QUERIES * perTile);
    float[] largest = new float[queries];
    float[] total = new float[queries];
    float[] shrink = new float[queries];
    Arrays.fill(largest, Float.NEGATIVE_INFINITY);
    float scale = (float) (1 / Math.sqrt(headDim));
    for (int u = 0; u < keys; u += perTile) {
      int count = Math.min(perTile, keys - u);
      long at = u * width * Float.BYTES;
      host.gemm()
          .multiply(
              true, queries, count, headDim, scale, query, width, key + at, width, 0f, scores,
              count);
      softmax(scores, queries, count, seenByFirst + 1 - u, largest, total, shrink);
      if (u > 0) {
        for (int t = 0; t < queries; t++) {
          if (shrink[t] != 1) {
            scale(out + t * width * Float.BYTES, headDim, shrink[t]);
          }
        }
      }
      host.gemm()
          .multiply(
              false,
              queries,
              headDim,
              count,
              1f,
              scores,
              count,
              value + at,
              width,
              u == 0 ? 0f : 1f,
              out,
              width);
    }
    for (int t = 0; t < queries; t++) {
      scale(out + t * width * Float.BYTES, headDim, 1 / total[t]);
    }
  }

  /**
   * Replaces each row of scores by {@code exp(score - largest)} and brings the row's running
   * maximum and sum up to date.
   *
   * @param seenByFirst the first row sees that many of the scores, the next one more, and so on;
   *     unseen ones become 0
   * @param shrink set to what earlier sums of the row have to be multiplied by
   */
  private static void softmax(
      long scores,
      int rows,
      int count,
      int seenByFirst,
      float[] largest,
      float[] total,
      float[] shrink) {
    for (int t = 0; t < rows; t++) {
      long row = scores + (long) t * count * Float.BYTES;
      int visible = Math.clamp((long) seenByFirst + t, 0, count);
      int full = visible - visible % Native.LANES;
      long fullBytes = (long) full * Float.BYTES;
      float before = largest[t];
      float now = Math.max(before, maximum(row, fullBytes));
      for (int i = full; i < visible; i++) {
        now = Math.max(now, Native.get(row + (long) i * Float.BYTES));
      }
      // A row of -inf only: any finite anchor gives weights of zero.
      float anchor = now == Float.NEGATIVE_INFINITY ? 0 : now;
      float sum = weights(row, fullBytes, anchor);
      if (full < visible) {
        sum += lastWeights(row + fullBytes, Native.tail(visible), anchor);
      }
      for (int unseen = visible; unseen < count; unseen++) {
        Native.set(row + (long) unseen * Float.BYTES, 0f);
      }
      shrink[t] =
          before == Float.NEGATIVE_INFINITY ? 0f : (float) StrictMath.exp((double) before - now);
      total[t] = total[t] * shrink[t] + sum;
      largest[t] = now;
    }
  }

  /** Four running maxima, because one would wait for itself. */
  private static float maximum(long row, long fullBytes) {
    FloatVector m0 = FloatVector.broadcast(Native.SPECIES, Float.NEGATIVE_INFINITY);
    FloatVector m1 = m0;
    FloatVector m2 = m0;
    FloatVector m3 = m0;
    long i = 0;
    for (; i + 4L * Native.VECTOR_BYTES <= fullBytes; i += 4L * Native.VECTOR_BYTES) {
      m0 = m0.max(Native.load(row + i));
      m1 = m1.max(Native.load(row + i + Native.VECTOR_BYTES));
      m2 = m2.max(Native.load(row + i + 2L * Native.VECTOR_BYTES));
      m3 = m3.max(Native.load(row + i + 3L * Native.VECTOR_BYTES));
    }
    for (; i < fullBytes; i += Native.VECTOR_BYTES) {
      m0 = m0.max(Native.load(row + i));
    }
    return m0.max(m1).max(m2.max(m3)).reduceLanes(VectorOperators.MAX);
  }

  private static float weights(long row, long fullBytes, float anchor) {
    FloatVector sum = FloatVector.zero(Native.SPECIES);
    for (long i = 0; i < fullBytes; i += Native.VECTOR_BYTES) {
      FloatVector e = VectorMath.exp(Native.load(row + i).sub(anchor));
      Native.store(e, row + i);
      sum = sum.add(e);
    }
    return VectorMath.sum(sum);
  }

  private static float lastWeights(long at, VectorMask<Float> rest, float anchor) {
    FloatVector e = VectorMath.exp(Native.load(at, rest).sub(anchor));
    Native.store(e, at, rest);
    return VectorMath.sum(e.blend(0f, rest.not()));
  }

  private static void scale(long row, int count, float factor) {
    int full = count - count % Native.LANES;
    for (long i = 0; i < (long) full * Float.BYTES; i += Native.VECTOR_BYTES) {
      Native.store(Native.load(row + i).mul(factor), row + i);
    }
    for (int i = full; i < count; i++) {
      long at = row + (long) i * Float.BYTES;
      Native.set(at, Native.get(at) * factor);
    }
  }
}
