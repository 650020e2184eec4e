package quartet.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HostTensorTest {
  /** Little-endian bytes of 1, -2 (or the unsigned twin) and 3 of a type, after an odd offset. */
  private static MemorySegment threeNumbers(DType dtype, int offset) {
    ByteBuffer out =
        ByteBuffer.allocate(offset + 3 * dtype.byteSize()).order(ByteOrder.LITTLE_ENDIAN);
    out.position(offset);
    for (int i = 0; i < 3; i++) {
      int number = new int[] {1, -2, 3}[i];
      switch (dtype) {
        case F64 -> out.putDouble(number);
        case F32 -> out.putFloat(number);
        case F16 -> out.putShort(Float.floatToFloat16(number));
        case BF16 -> out.putShort((short) (Float.floatToRawIntBits(number) >> 16));
        case F8_E4M3 -> out.put(new byte[] {0x38, (byte) 0xC0, 0x44}[i]);
        case F8_E5M2 -> out.put(new byte[] {0x3C, (byte) 0xC0, 0x42}[i]);
        case I64, U64 -> out.putLong(number);
        case I32, U32 -> out.putInt(number);
        case I16, U16 -> out.putShort((short) number);
        case I8, U8, BOOL -> out.put((byte) number);
      }
    }
    return MemorySegment.ofArray(out.array()).asSlice(offset);
  }

  private static double second(DType dtype) {
    return switch (dtype) {
      case U64 -> 0x1p64 /* -2 as unsigned, rounded */;
      case U32 -> 4294967294.0;
      case U16 -> 65534;
      case U8, BOOL -> 254;
      case F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, I16, I8 -> -2;
    };
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void every_type_is_converted_wherever_it_starts(DType dtype) {
    for (int offset = 0; offset < 9; offset++) {
      HostTensor tensor = new HostTensor(threeNumbers(dtype, offset), dtype, Shape.of(3));
      assertThat(tensor.toFloats()).containsExactly(1f, (float) second(dtype), 3f);
      assertThat(tensor.element(1)).isEqualTo(second(dtype));
      float[] tail = new float[2];
      tensor.copyTo(MemorySegment.ofArray(tail), 1, 2);
      assertThat(tail).containsExactly((float) second(dtype), 3f);
    }
  }

  @Test
  void all_256_values_of_e4m3_are_those_of_the_paper() {
    for (int bits = 0; bits < 256; bits++) {
      int exponent = bits >> 3 & 15;
      int mantissa = bits & 7;
      double magnitude =
          exponent == 0
              ? mantissa / 8.0 * Math.pow(2, -6)
              : (1 + mantissa / 8.0) * Math.pow(2, exponent - 7);
      double expected = (bits & 127) == 127 ? Double.NaN : bits < 128 ? magnitude : -magnitude;
      assertThat(Float8.e4m3ToFloat((byte) bits))
          .as("0x%02x", bits)
          .isEqualTo(Float.valueOf((float) expected));
    }
    assertThat(Float8.e4m3ToFloat((byte) 0x7E)).as("the largest").isEqualTo(448f);
    assertThat(1 / Float8.e4m3ToFloat((byte) 0x80)).as("negative zero").isNegative();
  }

  @Test
  void all_256_values_of_e5m2_are_those_of_the_paper() {
    for (int bits = 0; bits < 256; bits++) {
      int exponent = bits >> 2 & 31;
      int mantissa = bits & 3;
      double magnitude =
          exponent == 31
              ? (mantissa == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
              : exponent == 0
                  ? mantissa / 4.0 * Math.pow(2, -14)
                  : (1 + mantissa / 4.0) * Math.pow(2, exponent - 15);
      double expected = bits < 128 ? magnitude : -magnitude;
      assertThat(Float8.e5m2ToFloat((byte) bits))
          .as("0x%02x", bits)
          .isEqualTo(Float.valueOf((float) expected));
    }
    assertThat(Float8.e5m2ToFloat((byte) 0x7B)).as("the largest").isEqualTo(57344f);
  }

  @Test
  void unsigned_64_bits_are_rounded_not_wrapped() {
    long[] numbers = {
      0, Long.MAX_VALUE, Long.MIN_VALUE, -1, Long.MIN_VALUE + 1024, Long.MIN_VALUE + 1025
    };
    HostTensor tensor = new HostTensor(MemorySegment.ofArray(numbers), DType.U64, Shape.of(6));
    for (int i = 0; i < numbers.length; i++) {
      assertThat(tensor.element(i))
          .isEqualTo(new java.math.BigDecimal(Long.toUnsignedString(numbers[i])).doubleValue());
    }
  }

  @Test
  void a_segment_of_another_length_is_refused() {
    MemorySegment bytes = MemorySegment.ofArray(new byte[11]);
    assertThatThrownBy(() -> new HostTensor(bytes, DType.F32, Shape.of(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("12")
        .hasMessageContaining("11");
  }

  @Test
  void rows_are_a_view_without_a_copy() {
    float[] values = {0, 1, 2, 3, 4, 5};
    HostTensor rows = HostTensor.of(Shape.of(3, 2), values).rows(1, 3);
    assertThat(rows.shape()).isEqualTo(Shape.of(2, 2));
    assertThat(rows.toFloats()).containsExactly(2, 3, 4, 5);
    values[2] = 9;
    assertThat(rows.element(0)).as("the same memory").isEqualTo(9);
    assertThat(rows.rows(1, 1).shape()).isEqualTo(Shape.of(0, 2));
    assertThat(HostTensor.of(Shape.of(0, 2), new float[0]).rows(0, 0).byteSize()).isZero();
  }

  @Test
  void rows_outside_the_tensor_are_refused() {
    HostTensor tensor = HostTensor.of(Shape.of(3, 2), new float[6]);
    assertThatThrownBy(() -> tensor.rows(2, 4)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> tensor.rows(-1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> tensor.rows(2, 1)).isInstanceOf(RuntimeException.class);
  }

  @Test
  void the_same_numbers_are_seen_under_another_shape_of_as_many() {
    HostTensor tensor = HostTensor.of(Shape.of(2, 3), new int[] {1, 2, 3, 4, 5, 6});
    assertThat(tensor.reshape(Shape.of(3, 2)).toFloats()).containsExactly(1, 2, 3, 4, 5, 6);
    assertThatThrownBy(() -> tensor.reshape(Shape.of(5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[2, 3]")
        .hasMessageContaining("[5]");
  }

  @Test
  void stackedTensorsKeepTheirNumbersAlsoWhenTheirTypesDiffer() {
    HostTensor a = HostTensor.of(Shape.of(1, 2), new float[] {1, 2});
    HostTensor b = HostTensor.of(Shape.of(2, 2), new float[] {3, 4, 5, 6});
    HostTensor both = HostTensor.stack(java.util.List.of(a, b));
    assertThat(both.shape()).isEqualTo(Shape.of(3, 2));
    assertThat(both.toFloats()).containsExactly(1, 2, 3, 4, 5, 6);
    HostTensor ints = HostTensor.of(Shape.of(1, 2), new int[] {7, 8});
    HostTensor mixed = HostTensor.stack(java.util.List.of(a, ints));
    assertThat(mixed.dtype()).isEqualTo(DType.F32);
    assertThat(mixed.toFloats()).containsExactly(1, 2, 7, 8);
    assertThatThrownBy(
            () ->
                HostTensor.stack(java.util.List.of(a, HostTensor.of(Shape.of(1, 3), new float[3]))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[1, 3]");
  }
}
