package quartet.rng;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Noise whose sum over adjoining steps is one Brownian path: the same path whatever steps a sampler
 * takes.
 *
 * <p>Structure: a binary tree of intervals; each split draws the middle by a Brownian bridge from a
 * generator seeded by the node's place. Cost: two tensors per visited split, kept for the run; at
 * most about 25 splits to a leaf, since times are rounded to 1e-6.
 *
 * <p>Thread: one at a time.
 *
 * <p>Source: Li et al. 2020, "Scalable gradients for stochastic differential equations", section 4;
 * torchsde {@code BrownianInterval} for seeds and rounding; k-diffusion {@code
 * BrownianTreeNoiseSampler} for the sign and the normalisation.
 */
public final class BrownianNoise {
  private static final int DECIMALS = 6;

  private final long seed;
  private final NormalSource source;
  private final int elements;
  private final double start;
  private final double end;
  private final float[] whole;
  private final Map<NodeKey, Halves> splits = new HashMap<>();

  /** A node's place: the {@code index}-th of its depth. */
  private record NodeKey(long index, long depth) {}

  /** Increments over the two halves of a node. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Halves(float[] left, float[] right) {}

  /**
   * A path over all sigmas of a run.
   *
   * @param elements of the latent
   * @param sigmaMin smallest positive sigma of the run
   * @param sigmaMax largest sigma of the run
   * @param seed unsigned, all 64 bits count
   * @param source of each node's numbers
   */
  public BrownianNoise(
      int elements, float sigmaMin, float sigmaMax, long seed, NormalSource source) {
    this.seed = seed;
    this.source = source;
    this.elements = elements;
    double from = sigmaMin;
    double to = sigmaMax;
    this.start = round(from);
    this.end = round(to);
    // The length is of the unrounded ends, as in the source.
    float scale = (float) Math.sqrt(to - from);
    this.whole = source.draw(SeedSequence.firstWord(seed), elements);
    for (int i = 0; i < elements; i++) {
      whole[i] *= scale;
    }
  }

  /**
   * The increment between two sigmas, scaled to variance 1.
   *
   * <p>Negative when sigma falls, as it does while denoising.
   */
  public float[] between(float sigma, float sigmaNext) {
    double from = Math.clamp((double) Math.min(sigma, sigmaNext), start, end);
    double to = Math.clamp((double) Math.max(sigma, sigmaNext), start, end);
    float[] sum = new float[elements];
    if (from < to) {
      List<float[]> parts = new ArrayList<>();
      collect(new NodeKey(0, 0), start, end, whole, round(from), round(to), parts);
      sum = parts.removeFirst().clone();
      for (float[] part : parts) {
        for (int i = 0; i < elements; i++) {
          sum[i] += part[i];
        }
      }
    }
    float sign = sigma < sigmaNext ? 1f : -1f;
    float length = (float) Math.sqrt(Math.abs(sigmaNext - sigma));
    for (int i = 0; i < elements; i++) {
      sum[i] = sum[i] * sign / length;
    }
    return sum;
  }

  /** Adds the increments of the fewest nodes that tile {@code [from, to]}, left to right. */
  private void collect(
      NodeKey key,
      double nodeStart,
      double nodeEnd,
      float[] increment,
      double from,
      double to,
      List<float[]> parts) {
    if (from == nodeStart && to == nodeEnd) {
      parts.add(increment);
      return;
    }
    double middle = round(0.5 * (nodeEnd + nodeStart));
    Halves halves =
        splits.computeIfAbsent(key, at -> split(at, nodeStart, middle, nodeEnd, increment));
    NodeKey left = new NodeKey(2 * key.index(), key.depth() + 1);
    NodeKey right = new NodeKey(2 * key.index() + 1, key.depth() + 1);
    if (to <= middle) {
      collect(left, nodeStart, middle, halves.left(), from, to, parts);
    } else if (from >= middle) {
      collect(right, middle, nodeEnd, halves.right(), from, to, parts);
    } else {
      collect(left, nodeStart, middle, halves.left(), from, middle, parts);
      collect(right, middle, nodeEnd, halves.right(), middle, to, parts);
    }
  }

  private Halves split(NodeKey key, double from, double middle, double to, float[] increment) {
    double leftLength = middle - from;
    double rightLength = to - middle;
    float perLength = (float) (1 / (to - from));
    float leftShare = (float) leftLength;
    float deviation = (float) Math.sqrt(leftLength * rightLength * (1 / (to - from)));
    float[] noise = source.draw(SeedSequence.firstWord(seed, key.index(), key.depth()), elements);
    float[] left = new float[elements];
    float[] right = new float[elements];
    for (int i = 0; i < elements; i++) {
      left[i] = leftShare * increment[i] * perLength + deviation * noise[i];
      right[i] = increment[i] - left[i];
    }
    return new Halves(left, right);
  }

  /** As Python's {@code round(x, 6)}: the exact binary value, ties to even. */
  private static double round(double value) {
    return new BigDecimal(value).setScale(DECIMALS, RoundingMode.HALF_EVEN).doubleValue();
  }
}
