package quartet.safetensors;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.errors.EngineException;
import quartet.tensor.HostTensor;

/**
 * A safetensors file mapped read-only: tensors are views into the page cache, shared by everyone
 * who maps the same file.
 *
 * <p>Owner: whoever opened it. Views die with it: reading one afterwards throws
 * IllegalStateException.
 *
 * <p>Thread: any; reading needs no lock.
 *
 * <p>Source: huggingface/safetensors, "Format": a 64-bit little-endian length, that many bytes of
 * JSON, then the data buffer.
 */
public final class SafetensorsFile implements AutoCloseable {
  /** The format's own bound. Source: huggingface/safetensors, MAX_HEADER_SIZE. */
  private static final long MAX_HEADER_BYTES = 100_000_000;

  private static final int LENGTH_BYTES = 8;
  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final String sourceId;
  private final Arena arena;
  private final MemorySegment mapping;
  private final MemorySegment buffer;
  private final SafetensorsHeader header;

  private SafetensorsFile(
      Path path, String sourceId, Arena arena, MemorySegment mapping, SafetensorsHeader header) {
    this.path = path;
    this.sourceId = sourceId;
    this.arena = arena;
    this.mapping = mapping;
    this.buffer = mapping.asSlice(LENGTH_BYTES + mapping.get(LENGTH, 0));
    this.header = header;
  }

  /**
   * Maps a file and checks its header.
   *
   * @throws EngineException if the file is missing, unreadable or malformed
   */
  @SuppressWarnings("MustBeClosedChecker") // the arena lives as long as the returned file
  public static SafetensorsFile open(Path path) {
    Arena arena = Arena.ofShared();
    boolean opened = false;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      SafetensorsFile file = read(path, arena, channel);
      opened = true;
      return file;
    } catch (NoSuchFileException e) {
      throw new EngineException(
          SafetensorsErrorCode.SAFETENSORS_NOT_FOUND, "There is no file %s.".formatted(path), e);
    } catch (IOException e) {
      throw new EngineException(
          SafetensorsErrorCode.SAFETENSORS_UNREADABLE,
          "%s cannot be read: %s.".formatted(path, e),
          e);
    } finally {
      if (!opened) {
        arena.close();
      }
    }
  }

  private static SafetensorsFile read(Path path, Arena arena, FileChannel channel)
      throws IOException {
    long size = channel.size();
    if (size < LENGTH_BYTES) {
      throw malformed(path, "it has %d bytes, fewer than the 8 of its length".formatted(size));
    }
    MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
    long headerBytes = all.get(LENGTH, 0);
    if (headerBytes < 0 || headerBytes > MAX_HEADER_BYTES) {
      throw malformed(
          path,
          "its header is said to have %s bytes, more than the format's %d"
              .formatted(Long.toUnsignedString(headerBytes), MAX_HEADER_BYTES));
    }
    if (headerBytes > size - LENGTH_BYTES) {
      throw malformed(
          path,
          "its header is said to have %d bytes, but the file has only %d"
              .formatted(headerBytes, size));
    }
    byte[] json = all.asSlice(LENGTH_BYTES, headerBytes).toArray(ValueLayout.JAVA_BYTE);
    MemorySegment buffer = all.asSlice(LENGTH_BYTES + headerBytes);
    SafetensorsHeader header = HeaderParser.parse(path, json, buffer.byteSize());
    BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
    String sourceId =
        "%s:%d:%d".formatted(path.toRealPath(), size, attributes.lastModifiedTime().toMillis());
    return new SafetensorsFile(path, sourceId, arena, all, header);
  }

  /** The file as it was named when it was opened. */
  public Path path() {
    return path;
  }

  /** Changes when the file does: real path, size and modification time. */
  public String sourceId() {
    return sourceId;
  }

  /** The whole mapped file, for those who page-lock it; it dies with this. */
  public MemorySegment mapping() {
    return mapping;
  }

  /** Tensor names in the header's order. */
  public Set<String> names() {
    return Collections.unmodifiableSet(header.entries().keySet());
  }

  /** The header's free-form strings; empty if there are none. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(header.metadata());
  }

  /** Whether a tensor is there. */
  public boolean has(String name) {
    return header.entries().containsKey(name);
  }

  /**
   * A view of one tensor; nothing is copied.
   *
   * @throws EngineException if the file has no such tensor
   */
  public HostTensor tensor(String name) {
    HostTensor tensor = tensorOrNull(name);
    if (tensor == null) {
      throw new EngineException(
          SafetensorsErrorCode.SAFETENSORS_TENSOR_MISSING,
          "%s has no tensor '%s'.".formatted(path, name),
          Map.of("file", path.toString(), "tensor", name),
          null);
    }
    return tensor;
  }

  /** A view of one tensor, or null if the file has none of that name. */
  public @Nullable HostTensor tensorOrNull(String name) {
    SafetensorsHeader.Entry entry = header.entries().get(name);
    return entry == null
        ? null
        : new HostTensor(
            buffer.asSlice(entry.begin(), entry.end() - entry.begin()),
            entry.dtype(),
            entry.shape());
  }

  /** Unmaps. Closing twice does nothing. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private static EngineException malformed(Path path, String what) {
    return new EngineException(
        SafetensorsErrorCode.SAFETENSORS_MALFORMED,
        "%s is not a valid safetensors file: %s.".formatted(path, what),
        Map.of("file", path.toString()),
        null);
  }
}
