package quartet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Layer norm, a row at a time: mean, then variance around it, then the numbers; a row stays in the
 * first-level cache. Source: Ba et al. 2016, eq. 3-4.
 */
final class LayerNormKernel {
  /** Numbers of one chunk. */
  private static final long CHUNK = 32_768;

  private final CpuHost host;

  LayerNormKernel(CpuHost host) {
    this.host = host;
  }

  /** x and out {@code [rows, channels]}. */
  void run(long x, long rows, Prepared.Norm norm, float epsilon, long out) {
    int channels = norm.channels();
    if (rows == 0 || channels == 0) {
      return;
    }
    long perChunk = Math.max(1, CHUNK / channels);
    host.threads()
        .run(
            Math.toIntExact((rows + perChunk - 1) / perChunk),
            (chunk, scratch) -> {
              long until = Math.min(rows, (chunk + 1) * perChunk);
              for (long row = chunk * perChunk; row < until; row++) {
                long at = row * channels * Float.BYTES;
                row(x + at, channels, norm, epsilon, out + at);
              }
            });
  }

  private static void row(long x, int channels, Prepared.Norm norm, float epsilon, long out) {
    int full = channels - channels % Native.LANES;
    long fullBytes = (long) full * Float.BYTES;
    VectorMask<Float> mask = Native.tail(channels);
    FloatVector sum = Native.load(x + fullBytes, mask);
    for (long i = 0; i < fullBytes; i += Native.VECTOR_BYTES) {
      sum = sum.add(Native.load(x + i));
    }
    float mean = VectorMath.sum(sum) / channels;
    FloatVector last = Native.load(x + fullBytes, mask).sub(mean).blend(0f, mask.not());
    FloatVector squares = last.mul(last);
    for (long i = 0; i < fullBytes; i += Native.VECTOR_BYTES) {
      FloatVector d = Native.load(x + i).sub(mean);
      squares = d.fma(d, squares);
    }
    double variance = (double) VectorMath.sum(squares) / channels;
    float inverse = (float) (1 / Math.sqrt(variance + epsilon));
    for (long i = 0; i < fullBytes; i += Native.VECTOR_BYTES) {
      FloatVector y = Native.load(x + i).sub(mean).mul(inverse);
      Native.store(y.fma(Native.load(norm.scale() + i), Native.load(norm.shift() + i)), out + i);
    }
    if (full < channels) {
      FloatVector y = Native.load(x + fullBytes, mask).sub(mean).mul(inverse);
      FloatVector scale = Native.load(norm.scale() + fullBytes, mask);
      FloatVector shift = Native.load(norm.shift() + fullBytes, mask);
      Native.store(y.fma(scale, shift), out + fullBytes, mask);
    }
  }
}
