package quartet.engine.model.blocks;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import quartet.tensor.DType;
import quartet.tensor.HostTensor;

/** Tensors as float16, rounded to nearest even. */
public final class HalfFloats {
  private static final ValueLayout.OfShort F16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private HalfFloats() {}

  /** The same numbers as float16; a tensor that is so already is returned as it is. */
  public static HostTensor of(HostTensor tensor) {
    if (tensor.dtype() == DType.F16) {
      return tensor;
    }
    float[] values = tensor.toFloats();
    MemorySegment bytes = MemorySegment.ofArray(new byte[values.length * Short.BYTES]);
    for (int i = 0; i < values.length; i++) {
      bytes.set(F16, (long) i * Short.BYTES, Float.floatToFloat16(values[i]));
    }
    return new HostTensor(bytes, DType.F16, tensor.shape());
  }
}
