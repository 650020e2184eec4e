package quartet.tensor.cpu.reference;

/** Attention with the whole row of scores at hand. */
final class ReferenceAttention {
  private ReferenceAttention() {}

  /** query {@code [B, T, N*S]}, key and value {@code [B, U, N*S]}. */
  static void attention(
      float[] query,
      float[] key,
      float[] value,
      int batch,
      int tokens,
      int keys,
      int heads,
      int headDim,
      boolean causal,
      float[] out) {
    int width = heads * headDim;
    double[] scores = new double[keys];
    for (int b = 0; b < batch; b++) {
      for (int n = 0; n < heads; n++) {
        for (int t = 0; t < tokens; t++) {
          int visible = causal ? Math.min(keys, t + 1) : keys;
          int q = (b * tokens + t) * width + n * headDim;
          double largest = Double.NEGATIVE_INFINITY;
          for (int u = 0; u < visible; u++) {
            int k = (b * keys + u) * width + n * headDim;
            double dot = 0;
            for (int s = 0; s < headDim; s++) {
              dot += (double) query[q + s] * key[k + s];
            }
            scores[u] = dot / Math.sqrt(headDim);
            largest = Math.max(largest, scores[u]);
          }
          double total = 0;
          for (int u = 0; u < visible; u++) {
            scores[u] = Math.exp(scores[u] - largest);
            total += scores[u];
          }
          for (int s = 0; s < headDim; s++) {
            double sum = 0;
            for (int u = 0; u < visible; u++) {
              sum += scores[u] / total * value[(b * keys + u) * width + n * headDim + s];
            }
            out[q + s] = (float) sum;
          }
        }
      }
    }
  }
}
