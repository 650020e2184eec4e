package quartet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import quartet.tensor.Activation;

/**
 * Functions of one or two numbers, over blocks of consecutive ones.
 *
 * <p>One loop per function, written out: a loop that calls a function object compiles well only as
 * long as there is one function.
 */
final class ElementwiseKernel {
  /** Numbers of one chunk; about 20 microseconds, well above the cost of handing it out. */
  private static final long CHUNK = 65_536;

  private final CpuHost host;

  ElementwiseKernel(CpuHost host) {
    this.host = host;
  }

  /** A loop over {@code bytes} bytes of whole vectors, and the masked rest. */
  private interface Loop {
    void run(long offset, long bytes, VectorMask<Float> rest);
  }

  private void chunked(long count, Loop loop) {
    VectorMask<Float> none = Native.tail(0);
    VectorMask<Float> tail = Native.tail(count);
    long chunks = (count + CHUNK - 1) / CHUNK;
    host.threads()
        .run(
            Math.toIntExact(chunks),
            (chunk, scratch) -> {
              long first = chunk * CHUNK;
              long size = Math.min(CHUNK, count - first);
              long bytes = (size - size % Native.LANES) * Float.BYTES;
              loop.run(first * Float.BYTES, bytes, chunk == chunks - 1 ? tail : none);
            });
  }

  void add(long x, long y, long out, long count) {
    chunked(
        count,
        (offset, bytes, rest) -> {
          long end = offset + bytes;
          for (long i = offset; i < end; i += Native.VECTOR_BYTES) {
            Native.store(Native.load(x + i).add(Native.load(y + i)), out + i);
          }
          Native.store(Native.load(x + end, rest).add(Native.load(y + end, rest)), out + end, rest);
        });
  }

  void multiply(long x, long y, long out, long count) {
    chunked(
        count,
        (offset, bytes, rest) -> {
          long end = offset + bytes;
          for (long i = offset; i < end; i += Native.VECTOR_BYTES) {
            Native.store(Native.load(x + i).mul(Native.load(y + i)), out + i);
          }
          Native.store(Native.load(x + end, rest).mul(Native.load(y + end, rest)), out + end, rest);
        });
  }

  /** Rounds each product and the sum, as the op promises: no fused multiply-add. */
  void linearCombination(float a, long x, float b, long y, long out, long count) {
    chunked(
        count,
        (offset, bytes, rest) -> {
          long end = offset + bytes;
          for (long i = offset; i < end; i += Native.VECTOR_BYTES) {
            Native.store(Native.load(x + i).mul(a).add(Native.load(y + i).mul(b)), out + i);
          }
          FloatVector last = Native.load(x + end, rest).mul(a);
          Native.store(last.add(Native.load(y + end, rest).mul(b)), out + end, rest);
        });
  }

  void affine(long x, float scale, float shift, long out, long count) {
    chunked(
        count,
        (offset, bytes, rest) -> {
          long end = offset + bytes;
          for (long i = offset; i < end; i += Native.VECTOR_BYTES) {
            Native.store(Native.load(x + i).mul(scale).add(shift), out + i);
          }
          Native.store(Native.load(x + end, rest).mul(scale).add(shift), out + end, rest);
        });
  }

  void clamp(long x, float low, float high, long out, long count) {
    chunked(
        count,
        (offset, bytes, rest) -> {
          long end = offset + bytes;
          for (long i = offset; i < end; i += Native.VECTOR_BYTES) {
            Native.store(clamp(Native.load(x + i), low, high), out + i);
          }
          Native.store(clamp(Native.load(x + end, rest), low, high), out + end, rest);
        });
  }

  private static FloatVector clamp(FloatVector x, float low, float high) {
    return x.lanewise(VectorOperators.MAX, low).lanewise(VectorOperators.MIN, high);
  }

  void activate(long x, Activation activation, long out, long count) {
    switch (activation) {
      case NONE -> chunked(count, (offset, bytes, rest) -> copy(x, out, offset, bytes, rest));
      case SILU -> chunked(count, (offset, bytes, rest) -> silu(x, out, offset, bytes, rest));
      case QUICK_GELU ->
          chunked(count, (offset, bytes, rest) -> quickGelu(x, out, offset, bytes, rest));
      case GELU -> chunked(count, (offset, bytes, rest) -> gelu(x, out, offset, bytes, rest));
    }
  }

  private static void copy(long x, long out, long offset, long bytes, VectorMask<Float> rest) {
    long all = bytes + (long) rest.trueCount() * Float.BYTES;
    Native.copy(x + offset, out + offset, all);
  }

  private static void silu(long x, long out, long offset, long bytes, VectorMask<Float> rest) {
    long end = offset + bytes;
    for (long i = offset; i < end; i += Native.VECTOR_BYTES) {
      Native.store(VectorMath.silu(Native.load(x + i)), out + i);
    }
    Native.store(VectorMath.silu(Native.load(x + end, rest)), out + end, rest);
  }

  private static void quickGelu(long x, long out, long offset, long bytes, VectorMask<Float> rest) {
    long end = offset + bytes;
    for (long i = offset; i < end; i += Native.VECTOR_BYTES) {
      Native.store(VectorMath.quickGelu(Native.load(x + i)), out + i);
    }
    Native.store(VectorMath.quickGelu(Native.load(x + end, rest)), out + end, rest);
  }

  private static void gelu(long x, long out, long offset, long bytes, VectorMask<Float> rest) {
    long end = offset + bytes;
    for (long i = offset; i < end; i += Native.VECTOR_BYTES) {
      Native.store(VectorMath.gelu(Native.load(x + i)), out + i);
    }
    Native.store(VectorMath.gelu(Native.load(x + end, rest)), out + end, rest);
  }

  /** x and out {@code [batch, rows, channels]}, vector {@code [batch, channels]}. */
  void addPerChannel(long x, long vector, int batch, long rows, int channels, long out) {
    long perChunk = Math.max(1, CHUNK / Math.max(1, channels));
    long chunks = (rows + perChunk - 1) / perChunk;
    long lineBytes = (long) channels * Float.BYTES;
    VectorMask<Float> rest = Native.tail(channels);
    long fullBytes = (long) (channels - channels % Native.LANES) * Float.BYTES;
    host.threads()
        .run(
            Math.toIntExact(batch * chunks),
            (chunk, scratch) -> {
              long item = chunk / chunks;
              long first = chunk % chunks * perChunk;
              long until = Math.min(rows, first + perChunk);
              long summand = vector + item * lineBytes;
              for (long row = first; row < until; row++) {
                long at = (item * rows + row) * lineBytes;
                for (long i = 0; i < fullBytes; i += Native.VECTOR_BYTES) {
                  Native.store(Native.load(x + at + i).add(Native.load(summand + i)), out + at + i);
                }
                long end = at + fullBytes;
                Native.store(
                    Native.load(x + end, rest).add(Native.load(summand + fullBytes, rest)),
                    out + end,
                    rest);
              }
            });
  }
}
