package quartet.safetensors;

import java.util.Map;
import quartet.tensor.DType;
import quartet.tensor.Shape;

/**
 * What a file's JSON header says, checked.
 *
 * @param entries by tensor name, in the header's order
 */
record SafetensorsHeader(Map<String, Entry> entries, Map<String, String> metadata) {
  /**
   * One tensor's place.
   *
   * @param begin first byte, counted from the start of the data buffer
   * @param end one past the last byte
   */
  record Entry(DType dtype, Shape shape, long begin, long end) {}
}
