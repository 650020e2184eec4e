package quartet.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files byte by byte, as a stranger might send them. */
final class HostileFiles {
  private HostileFiles() {}

  /** A file with the given header text and {@code dataBytes} zero bytes behind it. */
  static Path withHeader(Path directory, String header, int dataBytes) {
    return withHeader(directory, header.getBytes(StandardCharsets.UTF_8), dataBytes);
  }

  /** The same with a header of any bytes. */
  static Path withHeader(Path directory, byte[] header, int dataBytes) {
    return withLength(directory, header.length, header, dataBytes);
  }

  /** The same with any claim of the header's length. */
  static Path withLength(Path directory, long claimed, byte[] header, int dataBytes) {
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(claimed).put(header);
    return raw(directory, bytes.array());
  }

  /** A file of exactly these bytes. */
  static Path raw(Path directory, byte[] bytes) {
    try {
      return Files.write(directory.resolve("file.safetensors"), bytes);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
