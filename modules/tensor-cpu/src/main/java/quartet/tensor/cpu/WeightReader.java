package quartet.tensor.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;
import quartet.tensor.DType;
import quartet.tensor.HostTensor;

/** Converts host tensors to float32 off heap, in parallel, and turns matrices around. */
final class WeightReader {
  /** Numbers that one chunk converts. */
  private static final long CHUNK = 1 << 18;

  /** Rows of a matrix that one chunk turns around: a cache line of floats. */
  private static final int ROWS = 16;

  private static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(short.class, VectorShape.forBitSize(Native.SPECIES.vectorBitSize() / 2));
  private static final VectorSpecies<Integer> INTS =
      VectorSpecies.of(int.class, VectorShape.forBitSize(Native.SPECIES.vectorBitSize()));

  private WeightReader() {}

  static Prepared.Linear linear(
      ParameterStore.Source source, HostTensor weight, @Nullable HostTensor bias) {
    int outWidth = weight.shape().dim(0);
    int inWidth = weight.shape().dim(1);
    long target = source.floats((long) inWidth * outWidth);
    transpose(source.threads(), weight, outWidth, inWidth, target);
    return new Prepared.Linear(inWidth, outWidth, target, vector(source, bias, outWidth));
  }

  static Prepared.Norm norm(ParameterStore.Source source, HostTensor weight, HostTensor bias) {
    int channels = weight.shape().dim(0);
    return new Prepared.Norm(
        channels, vector(source, weight, channels), vector(source, bias, channels));
  }

  static Prepared.Table table(ParameterStore.Source source, HostTensor rows) {
    long count = rows.shape().elements();
    long target = source.floats(count);
    int chunks = Math.toIntExact((count + CHUNK - 1) / CHUNK);
    source
        .threads()
        .run(
            chunks,
            (chunk, scratch) -> {
              long from = chunk * CHUNK;
              floats(rows, from, Math.min(CHUNK, count - from), target + from * Float.BYTES);
            });
    return new Prepared.Table(rows.shape().dim(0), rows.shape().dim(1), target);
  }

  /** A vector of its own, zeros if there is none. */
  static long vector(ParameterStore.Source source, @Nullable HostTensor host, int length) {
    long target = source.floats(length);
    if (host == null) {
      Native.zero(target, (long) length * Float.BYTES);
    } else {
      floats(host, 0, length, target);
    }
    return target;
  }

  /** {@code [rows, columns] -> [columns, rows]}. */
  static void transpose(CpuThreads threads, HostTensor host, int rows, int columns, long target) {
    int chunks = (rows + ROWS - 1) / ROWS;
    threads.run(
        chunks,
        (chunk, scratch) -> {
          int from = chunk * ROWS;
          int count = Math.min(ROWS, rows - from);
          long block = scratch.floats((long) count * columns);
          floats(host, (long) from * columns, (long) count * columns, block);
          for (int column = 0; column < columns; column++) {
            long out = target + ((long) column * rows + from) * Float.BYTES;
            long in = block + (long) column * Float.BYTES;
            for (int row = 0; row < count; row++) {
              Native.set(out, Native.get(in));
              out += Float.BYTES;
              in += (long) columns * Float.BYTES;
            }
          }
        });
  }

  /** Converts {@code count} numbers from {@code from} on. */
  static void floats(HostTensor host, long from, long count, long target) {
    MemorySegment out = Native.all().asSlice(target, count * Float.BYTES);
    boolean half = host.dtype() == DType.F16 || host.dtype() == DType.BF16;
    if (!half || !host.segment().isNative()) {
      host.copyTo(out, from, count);
      return;
    }
    long in = host.segment().address() + from * Short.BYTES;
    long full = count - count % Native.LANES;
    if (host.dtype() == DType.F16) {
      halves(in, full, target);
    } else {
      brains(in, full, target);
    }
    if (full < count) {
      host.copyTo(
          Native.all().asSlice(target + full * Float.BYTES, (count - full) * Float.BYTES),
          from + full,
          count - full);
    }
  }

  /**
   * IEEE half to single: exponent and mantissa moved into place and multiplied by 2^112, which also
   * makes subnormals right; infinities and NaN get their exponent back.
   */
  private static void halves(long in, long count, long out) {
    for (long i = 0; i < count; i += Native.LANES) {
      IntVector bits = widen(in + i * Short.BYTES);
      IntVector magnitude = bits.and(0x7fff);
      FloatVector value =
          magnitude.lanewise(VectorOperators.LSHL, 13).reinterpretAsFloats().mul(0x1p112f);
      IntVector number = value.reinterpretAsInts();
      number = number.blend(number.or(0x7f800000), magnitude.compare(VectorOperators.GE, 0x7c00));
      number = number.or(bits.and(0x8000).lanewise(VectorOperators.LSHL, 16));
      Native.store(number.reinterpretAsFloats(), out + i * Float.BYTES);
    }
  }

  private static void brains(long in, long count, long out) {
    for (long i = 0; i < count; i += Native.LANES) {
      IntVector bits = widen(in + i * Short.BYTES).lanewise(VectorOperators.LSHL, 16);
      Native.store(bits.reinterpretAsFloats(), out + i * Float.BYTES);
    }
  }

  private static IntVector widen(long address) {
    ShortVector halves =
        ShortVector.fromMemorySegment(HALVES, Native.all(), address, ByteOrder.LITTLE_ENDIAN);
    return (IntVector) halves.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
  }
}
