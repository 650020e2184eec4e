package quartet.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A contiguous, row-major, little-endian view of host memory: a checkpoint's tensor in the mapped
 * file, or numbers on their way to or from a device. Immutable by agreement: nobody writes to the
 * segment once it is wrapped.
 *
 * <p>Alignment: none beyond one byte (safetensors files may start tensors anywhere), so all reads
 * are unaligned.
 *
 * @param segment exactly {@code shape.elements() * dtype.byteSize()} bytes; lives as long as
 *     whoever mapped it says
 */
public record HostTensor(MemorySegment segment, DType dtype, Shape shape) {
  private static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble F64 =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort I16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt I32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong I64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Checks that the segment is as long as shape and dtype say. */
  public HostTensor {
    long expected = Math.multiplyExact(shape.elements(), (long) dtype.byteSize());
    if (segment.byteSize() != expected) {
      throw new IllegalArgumentException(
          "%s %s needs %d bytes, got %d".formatted(dtype, shape, expected, segment.byteSize()));
    }
  }

  /** Wraps a float array without copying it. */
  public static HostTensor of(Shape shape, float[] values) {
    return new HostTensor(MemorySegment.ofArray(values), DType.F32, shape);
  }

  /** Wraps an int array without copying it. */
  public static HostTensor of(Shape shape, int[] values) {
    return new HostTensor(MemorySegment.ofArray(values), DType.I32, shape);
  }

  /** The same bytes under another shape of as many elements. */
  public HostTensor reshape(Shape other) {
    if (other.elements() != shape.elements()) {
      throw new IllegalArgumentException("cannot view " + shape + " as " + other);
    }
    return new HostTensor(segment, dtype, other);
  }

  /** Rows {@code from} to {@code to} (exclusive) of the outermost dimension, without a copy. */
  public HostTensor rows(long from, long to) {
    long bytesPerRow = shape.dim(0) == 0 ? 0 : segment.byteSize() / shape.dim(0);
    return new HostTensor(
        segment.asSlice(from * bytesPerRow, (to - from) * bytesPerRow),
        dtype,
        shape.withFirst(to - from));
  }

  /**
   * A copy of several tensors joined along the outermost dimension: of their dtype, or float32
   * where they differ (a LoRA may have changed one of them).
   *
   * @throws IllegalArgumentException if there is none, or they differ in inner extents
   */
  public static HostTensor stack(List<HostTensor> parts) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("nothing to stack");
    }
    HostTensor first = parts.getFirst();
    long rows = 0;
    for (HostTensor part : parts) {
      if (!part.shape.withFirst(1).equals(first.shape.withFirst(1))) {
        throw new IllegalArgumentException(
            "cannot stack %s on %s".formatted(part.shape, first.shape));
      }
      rows += part.shape.dim(0);
    }
    boolean alike = parts.stream().allMatch(part -> part.dtype == first.dtype);
    DType dtype = alike ? first.dtype : DType.F32;
    Shape shape = first.shape.withFirst(rows);
    MemorySegment joined =
        MemorySegment.ofArray(
            new byte
                [Math.toIntExact(Math.multiplyExact(shape.elements(), (long) dtype.byteSize()))]);
    long at = 0;
    for (HostTensor part : parts) {
      long bytes = part.shape.elements() * dtype.byteSize();
      if (alike) {
        MemorySegment.copy(part.segment, 0, joined, at, bytes);
      } else {
        part.copyTo(joined.asSlice(at, bytes), 0, part.shape.elements());
      }
      at += bytes;
    }
    return new HostTensor(joined, dtype, shape);
  }

  /** Bytes of the view. */
  public long byteSize() {
    return segment.byteSize();
  }

  /**
   * All elements as floats, converted if need be.
   *
   * @throws IllegalArgumentException beyond 2^31-1 elements
   */
  public float[] toFloats() {
    float[] out = new float[Math.toIntExact(shape.elements())];
    copyTo(MemorySegment.ofArray(out), 0, out.length);
    return out;
  }

  /**
   * Converts {@code count} elements from element {@code from} on to float32 at the start of {@code
   * target}.
   *
   * <p>Source of the F8 forms: Micikevicius et al., FP8 formats for deep learning (2022), table 1;
   * E4M3 is the "fn" form without infinities.
   */
  public void copyTo(MemorySegment target, long from, long count) {
    switch (dtype) {
      case F32 -> MemorySegment.copy(segment, from * 4, target, 0, count * 4);
      case F16 -> {
        for (long i = 0; i < count; i++) {
          target.set(F32, i * 4, Float.float16ToFloat(segment.get(I16, (from + i) * 2)));
        }
      }
      case BF16 -> {
        for (long i = 0; i < count; i++) {
          target.set(F32, i * 4, Float.intBitsToFloat(segment.get(I16, (from + i) * 2) << 16));
        }
      }
      default -> {
        for (long i = 0; i < count; i++) {
          target.set(F32, i * 4, (float) element(from + i));
        }
      }
    }
  }

  /** One element as a double; 64-bit integers beyond 2^53 are rounded. */
  public double element(long index) {
    return switch (dtype) {
      case F64 -> segment.get(F64, index * 8);
      case F32 -> segment.get(F32, index * 4);
      case F16 -> Float.float16ToFloat(segment.get(I16, index * 2));
      case BF16 -> Float.intBitsToFloat(segment.get(I16, index * 2) << 16);
      case F8_E4M3 -> Float8.e4m3ToFloat(segment.get(ValueLayout.JAVA_BYTE, index));
      case F8_E5M2 -> Float8.e5m2ToFloat(segment.get(ValueLayout.JAVA_BYTE, index));
      case I64 -> segment.get(I64, index * 8);
      case I32 -> segment.get(I32, index * 4);
      case I16 -> segment.get(I16, index * 2);
      case I8 -> segment.get(ValueLayout.JAVA_BYTE, index);
      case U64 -> {
        long bits = segment.get(I64, index * 8);
        yield bits >= 0 ? bits : ((bits >>> 1) | (bits & 1)) * 2.0;
      }
      case U32 -> Integer.toUnsignedLong(segment.get(I32, index * 4));
      case U16 -> Short.toUnsignedInt(segment.get(I16, index * 2));
      case U8, BOOL -> Byte.toUnsignedInt(segment.get(ValueLayout.JAVA_BYTE, index));
    };
  }
}
