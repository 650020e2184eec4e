package quartet.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import quartet.errors.EngineException;
import quartet.tensor.DType;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;

/**
 * Writes safetensors files whose tensors are aligned to their element size: the header is padded
 * with spaces to 8 bytes and wide types come first.
 */
public final class SafetensorsWriter {
  private static final int ALIGNMENT = 8;
  private static final int CHUNK_BYTES = 1 << 20;

  private SafetensorsWriter() {}

  /**
   * Writes beside the target and renames, so that no reader ever sees half a file.
   *
   * @throws EngineException if the disk refuses
   */
  public static void write(
      Path target, Map<String, HostTensor> tensors, Map<String, String> metadata) {
    Map<String, Lazy> lazy = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> lazy.put(name, new Lazy(tensor.dtype(), tensor.shape(), () -> tensor)));
    writeLazily(target, lazy, metadata);
  }

  /**
   * A tensor that is made when it is written.
   *
   * @param maker gives a tensor of that dtype and shape
   */
  public record Lazy(DType dtype, Shape shape, Supplier<HostTensor> maker) {
    HostTensor make() {
      HostTensor made = maker.get();
      if (made.dtype() != dtype || !made.shape().equals(shape)) {
        throw new IllegalArgumentException(
            "expected %s %s, got %s %s".formatted(dtype, shape, made.dtype(), made.shape()));
      }
      return made;
    }
  }

  /** The same, holding one tensor at a time. */
  public static void writeLazily(
      Path target, Map<String, Lazy> tensors, Map<String, String> metadata) {
    List<Map.Entry<String, Lazy>> ordered = new ArrayList<>(tensors.entrySet());
    ordered.sort(
        Comparator.comparingInt(
                (Map.Entry<String, Lazy> entry) -> -entry.getValue().dtype().byteSize())
            .thenComparing(Map.Entry::getKey));
    Path absolute = target.toAbsolutePath();
    try {
      Path temporary =
          Files.createTempFile(
              absolute.resolveSibling("").normalize(), "." + absolute.getFileName(), ".partial");
      try {
        writeTo(temporary, header(ordered, metadata), ordered);
        Files.move(
            temporary,
            absolute,
            StandardCopyOption.ATOMIC_MOVE,
            StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new EngineException(
          SafetensorsErrorCode.SAFETENSORS_UNREADABLE,
          "%s cannot be written: %s.".formatted(target, e),
          e);
    }
  }

  private static byte[] header(List<Map.Entry<String, Lazy>> tensors, Map<String, String> metadata)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart("__metadata__");
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      long offset = 0;
      for (Map.Entry<String, Lazy> entry : tensors) {
        Lazy tensor = entry.getValue();
        long[] extents = tensor.shape().extents();
        long byteSize = tensor.shape().elements() * tensor.dtype().byteSize();
        json.writeObjectFieldStart(entry.getKey());
        json.writeStringField("dtype", tensor.dtype().name());
        json.writeFieldName("shape");
        json.writeArray(extents, 0, extents.length);
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {offset, offset + byteSize}, 0, 2);
        json.writeEndObject();
        offset += byteSize;
      }
      json.writeEndObject();
    }
    while (bytes.size() % ALIGNMENT != 0) {
      bytes.write(' ');
    }
    return bytes.toByteArray();
  }

  private static void writeTo(Path file, byte[] header, List<Map.Entry<String, Lazy>> tensors)
      throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      writeFully(channel, length.putLong(header.length).flip());
      writeFully(channel, ByteBuffer.wrap(header));
      byte[] chunk = new byte[CHUNK_BYTES];
      for (Map.Entry<String, Lazy> entry : tensors) {
        MemorySegment data = entry.getValue().make().segment();
        for (long at = 0; at < data.byteSize(); at += chunk.length) {
          int count = (int) Math.min(chunk.length, data.byteSize() - at);
          MemorySegment.copy(data, at, MemorySegment.ofArray(chunk), 0, count);
          writeFully(channel, ByteBuffer.wrap(chunk, 0, count));
        }
      }
      channel.force(true);
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
