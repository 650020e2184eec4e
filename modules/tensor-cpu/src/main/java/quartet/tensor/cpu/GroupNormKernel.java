package quartet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import quartet.tensor.Activation;

/**
 * Group norm, then an activation, in two passes over the image. Source: Wu and He 2018, eq. 1-3.
 *
 * <p>First pass: sums of {@code x - k} and of its square per channel, where k is the channel's
 * first pixel. Shifting keeps the variance exact where the mean is large (Chan et al. 1983, section
 * 3), so one reading is enough. Blocks of pixels add up in float32, blocks among themselves in
 * double and in their order. Second pass: {@code x * scale + shift} per channel, activation.
 */
final class GroupNormKernel {
  /** Pixels of one block: its float32 sums stay short, and its lines stay in the cache. */
  private static final int PIXELS = 128;

  /** Numbers of one chunk of the second pass. */
  private static final long CHUNK = 32_768;

  private final CpuHost host;

  GroupNormKernel(CpuHost host) {
    this.host = host;
  }

  /** x and out {@code [batch, pixels, channels]}. */
  void run(
      long x,
      int batch,
      long pixels,
      Prepared.Norm norm,
      int groups,
      float epsilon,
      Activation activation,
      long out,
      Workspace workspace) {
    int channels = norm.channels();
    long blocks = (pixels + PIXELS - 1) / PIXELS;
    if (batch == 0 || blocks == 0) {
      return;
    }
    long lineBytes = (long) channels * Float.BYTES;
    long itemBytes = pixels * lineBytes;
    long partial = workspace.floats(batch * blocks * 2 * channels);
    host.threads()
        .run(
            Math.toIntExact(batch * blocks),
            (chunk, scratch) -> {
              long item = x + chunk / blocks * itemBytes;
              long first = chunk % blocks * PIXELS;
              sums(
                  item + first * lineBytes,
                  Math.min(PIXELS, pixels - first),
                  channels,
                  item,
                  partial + chunk * 2L * lineBytes);
            });
    long factors = workspace.floats(2L * batch * channels);
    for (int b = 0; b < batch; b++) {
      factors(
          partial + b * blocks * 2 * lineBytes,
          blocks,
          x + b * itemBytes,
          pixels,
          norm,
          groups,
          epsilon,
          factors + 2L * b * lineBytes);
    }
    long perChunk = Math.max(1, CHUNK / channels);
    long chunks = (pixels + perChunk - 1) / perChunk;
    host.threads()
        .run(
            Math.toIntExact(batch * chunks),
            (chunk, scratch) -> {
              long b = chunk / chunks;
              long first = chunk % chunks * perChunk;
              long offset = b * itemBytes + first * lineBytes;
              long count = Math.min(perChunk, pixels - first);
              long scale = factors + 2 * b * lineBytes;
              apply(x + offset, count, channels, scale, activation, out + offset);
            });
  }

  /** Per channel the sum of {@code x - k}, then the sum of its squares. */
  private static void sums(long x, long pixels, int channels, long k, long out) {
    long lineBytes = (long) channels * Float.BYTES;
    int full = channels - channels % Native.LANES;
    for (long c = 0; c < (long) full * Float.BYTES; c += Native.VECTOR_BYTES) {
      FloatVector first = Native.load(k + c);
      FloatVector sum = FloatVector.zero(Native.SPECIES);
      FloatVector squares = sum;
      FloatVector sum2 = sum;
      FloatVector squares2 = sum;
      long at = x + c;
      long p = 0;
      for (; p + 2 <= pixels; p += 2) {
        FloatVector d = Native.load(at).sub(first);
        FloatVector d2 = Native.load(at + lineBytes).sub(first);
        sum = sum.add(d);
        squares = d.fma(d, squares);
        sum2 = sum2.add(d2);
        squares2 = d2.fma(d2, squares2);
        at += 2 * lineBytes;
      }
      if (p < pixels) {
        FloatVector d = Native.load(at).sub(first);
        sum = sum.add(d);
        squares = d.fma(d, squares);
      }
      Native.store(sum.add(sum2), out + c);
      Native.store(squares.add(squares2), out + lineBytes + c);
    }
    if (full < channels) {
      VectorMask<Float> mask = Native.tail(channels);
      long c = (long) full * Float.BYTES;
      FloatVector first = Native.load(k + c, mask);
      FloatVector sum = FloatVector.zero(Native.SPECIES);
      FloatVector squares = sum;
      for (long p = 0; p < pixels; p++) {
        FloatVector d = Native.load(x + p * lineBytes + c, mask).sub(first);
        sum = sum.add(d);
        squares = d.fma(d, squares);
      }
      Native.store(sum, out + c, mask);
      Native.store(squares, out + lineBytes + c, mask);
    }
  }

  /** Per channel {@code scale}, then {@code shift}, from the blocks' sums. */
  private static void factors(
      long partial,
      long blocks,
      long k,
      long pixels,
      Prepared.Norm norm,
      int groups,
      float epsilon,
      long out) {
    int channels = norm.channels();
    int perGroup = channels / groups;
    double[] mean = new double[channels];
    double[] spread = new double[channels];
    for (int c = 0; c < channels; c++) {
      double sum = 0;
      double squares = 0;
      for (long block = 0; block < blocks; block++) {
        long at = partial + (2 * block * channels + c) * Float.BYTES;
        sum += Native.get(at);
        squares += Native.get(at + (long) channels * Float.BYTES);
      }
      mean[c] = Native.get(k + (long) c * Float.BYTES) + sum / pixels;
      spread[c] = squares - sum * sum / pixels;
    }
    for (int g = 0; g < groups; g++) {
      double groupMean = 0;
      for (int c = g * perGroup; c < (g + 1) * perGroup; c++) {
        groupMean += mean[c];
      }
      groupMean /= perGroup;
      double variance = 0;
      for (int c = g * perGroup; c < (g + 1) * perGroup; c++) {
        double distance = mean[c] - groupMean;
        variance += spread[c] + pixels * distance * distance;
      }
      variance = Math.max(0, variance / ((double) pixels * perGroup));
      double inverse = 1 / Math.sqrt(variance + epsilon);
      for (int c = g * perGroup; c < (g + 1) * perGroup; c++) {
        long at = (long) c * Float.BYTES;
        double scale = inverse * Native.get(norm.scale() + at);
        Native.set(out + at, (float) scale);
        Native.set(
            out + (long) channels * Float.BYTES + at,
            (float) (Native.get(norm.shift() + at) - groupMean * scale));
      }
    }
  }

  private static void apply(
      long x, long pixels, int channels, long scale, Activation activation, long out) {
    long lineBytes = (long) channels * Float.BYTES;
    for (long p = 0; p < pixels; p++) {
      long at = p * lineBytes;
      if (activation == Activation.SILU) {
        silu(x + at, channels, scale, scale + lineBytes, out + at);
      } else {
        other(x + at, channels, scale, scale + lineBytes, activation, out + at);
      }
    }
  }

  private static void silu(long x, int channels, long scale, long shift, long out) {
    int full = channels - channels % Native.LANES;
    for (long c = 0; c < (long) full * Float.BYTES; c += Native.VECTOR_BYTES) {
      FloatVector y = Native.load(x + c).fma(Native.load(scale + c), Native.load(shift + c));
      Native.store(VectorMath.silu(y), out + c);
    }
    if (full < channels) {
      VectorMask<Float> mask = Native.tail(channels);
      long c = (long) full * Float.BYTES;
      FloatVector y =
          Native.load(x + c, mask).fma(Native.load(scale + c, mask), Native.load(shift + c, mask));
      Native.store(VectorMath.silu(y), out + c, mask);
    }
  }

  private static void other(
      long x, int channels, long scale, long shift, Activation activation, long out) {
    int full = channels - channels % Native.LANES;
    for (long c = 0; c < (long) full * Float.BYTES; c += Native.VECTOR_BYTES) {
      FloatVector y = Native.load(x + c).fma(Native.load(scale + c), Native.load(shift + c));
      Native.store(VectorMath.activate(y, activation), out + c);
    }
    if (full < channels) {
      VectorMask<Float> mask = Native.tail(channels);
      long c = (long) full * Float.BYTES;
      FloatVector y =
          Native.load(x + c, mask).fma(Native.load(scale + c, mask), Native.load(shift + c, mask));
      Native.store(VectorMath.activate(y, activation), out + c, mask);
    }
  }
}
