package quartet.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.errors.EngineException;
import quartet.tensor.DType;
import quartet.tensor.Shape;

/**
 * Reads the JSON header token by token: a header may be 100 MB, and the file comes from a stranger,
 * so nothing is built from it before it was checked.
 *
 * <p>Source: huggingface/safetensors, "Format" section and the checks of {@code
 * Metadata::validate}.
 */
final class HeaderParser {
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
  private static final String METADATA = "__metadata__";

  private final Path file;
  private final long bufferBytes;
  private final Map<String, SafetensorsHeader.Entry> entries = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  private HeaderParser(Path file, long bufferBytes) {
    this.file = file;
    this.bufferBytes = bufferBytes;
  }

  /**
   * Parses and checks.
   *
   * @param bufferBytes length of the data buffer behind the header
   * @throws EngineException if the header breaks the format in any way
   */
  static SafetensorsHeader parse(Path file, byte[] header, long bufferBytes) {
    HeaderParser reader = new HeaderParser(file, bufferBytes);
    reader.read(header);
    reader.checkThatTheTensorsTileTheBuffer();
    return new SafetensorsHeader(reader.entries, reader.metadata);
  }

  private void read(byte[] header) {
    String text;
    try {
      // The decoder of `newDecoder` reports malformed input; `new String` would replace it.
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(header)).toString();
    } catch (CharacterCodingException e) {
      throw malformed("its header is not UTF-8", e);
    }
    if (!text.startsWith("{")) {
      throw malformed("its header does not start with '{'", null);
    }
    try (JsonParser json = JSON.createParser(text)) {
      json.nextToken();
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        json.nextToken();
        if (name.equals(METADATA)) {
          readMetadata(json);
        } else {
          entries.put(name, readEntry(json, name));
        }
      }
      if (json.nextToken() != null) {
        throw malformed("text follows the JSON object of its header", null);
      }
    } catch (IOException e) {
      throw malformed("its header is not valid JSON: " + firstLine(e), e);
    }
  }

  private void readMetadata(JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw malformed("its __metadata__ is not an object", null);
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      if (json.nextToken() != JsonToken.VALUE_STRING) {
        throw malformed("its __metadata__ value of '%s' is not a string".formatted(key), null);
      }
      metadata.put(key, json.getText());
    }
  }

  private SafetensorsHeader.Entry readEntry(JsonParser json, String name) throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw malformedTensor(name, "is not described by a JSON object");
    }
    DType dtype = null;
    long[] extents = null;
    long[] offsets = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "dtype" -> dtype = readDType(json, name);
        case "shape" -> extents = readIntegers(json, name, "shape");
        case "data_offsets" -> offsets = readIntegers(json, name, "data_offsets");
        default -> json.skipChildren();
      }
    }
    if (dtype == null || extents == null || offsets == null) {
      throw malformedTensor(name, "lacks dtype, shape or data_offsets");
    }
    return checkedEntry(name, dtype, extents, offsets);
  }

  private SafetensorsHeader.Entry checkedEntry(
      String name, DType dtype, long[] extents, long[] offsets) {
    if (offsets.length != 2) {
      throw malformedTensor(name, "has %d data_offsets instead of 2".formatted(offsets.length));
    }
    long begin = offsets[0];
    long end = offsets[1];
    if (begin > end || end > bufferBytes) {
      throw malformedTensor(
          name,
          "lies at bytes %d to %d of a buffer of %d bytes".formatted(begin, end, bufferBytes));
    }
    Shape shape;
    long bytes;
    try {
      shape = Shape.of(extents);
      bytes = Math.multiplyExact(shape.elements(), (long) dtype.byteSize());
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw malformed(
          "tensor '%s' of shape %s has more bytes than 64 bits count"
              .formatted(name, Arrays.toString(extents)),
          e);
    }
    if (end - begin != bytes) {
      throw malformedTensor(
          name,
          "is %s %s, which is %d bytes, but its data_offsets [%d, %d] hold %d"
              .formatted(dtype, shape, bytes, begin, end, end - begin));
    }
    return new SafetensorsHeader.Entry(dtype, shape, begin, end);
  }

  private DType readDType(JsonParser json, String name) throws IOException {
    if (json.currentToken() == JsonToken.VALUE_STRING) {
      for (DType dtype : DType.values()) {
        if (dtype.name().equals(json.getText())) {
          return dtype;
        }
      }
    }
    throw malformedTensor(name, "has the unknown dtype '%s'".formatted(json.getText()));
  }

  private long[] readIntegers(JsonParser json, String name, String field) throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      throw malformedTensor(name, "has a %s that is not an array".formatted(field));
    }
    List<Long> values = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (json.currentToken() != JsonToken.VALUE_NUMBER_INT
          || json.getNumberType() == JsonParser.NumberType.BIG_INTEGER
          || json.getText().startsWith("-")) {
        throw malformedTensor(
            name,
            "has '%s' in its %s, which takes integers from 0 to 2^63-1"
                .formatted(json.getText(), field));
      }
      values.add(json.getLongValue());
    }
    return values.stream().mapToLong(Long::longValue).toArray();
  }

  private void checkThatTheTensorsTileTheBuffer() {
    List<Map.Entry<String, SafetensorsHeader.Entry>> inPlace = new ArrayList<>(entries.entrySet());
    inPlace.sort(
        Comparator.comparingLong(
                (Map.Entry<String, SafetensorsHeader.Entry> entry) -> entry.getValue().begin())
            .thenComparingLong(entry -> entry.getValue().end()));
    long expected = 0;
    for (Map.Entry<String, SafetensorsHeader.Entry> entry : inPlace) {
      long begin = entry.getValue().begin();
      if (begin != expected) {
        throw malformedTensor(
            entry.getKey(),
            "begins at byte %d, but the tensor before it ends at %d: tensors must neither overlap nor leave holes"
                .formatted(begin, expected));
      }
      expected = entry.getValue().end();
    }
    if (expected != bufferBytes) {
      throw malformed(
          "its tensors end at byte %d, but its data buffer has %d bytes"
              .formatted(expected, bufferBytes),
          null);
    }
  }

  private EngineException malformedTensor(String tensor, String what) {
    return malformed("tensor '%s' %s".formatted(tensor, what), null);
  }

  private EngineException malformed(String what, @Nullable Throwable cause) {
    return new EngineException(
        SafetensorsErrorCode.SAFETENSORS_MALFORMED,
        "%s is not a valid safetensors file: %s.".formatted(file, what),
        Map.of("file", file.toString()),
        cause);
  }

  private static String firstLine(IOException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }
}
