package quartet.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.tensor.DType;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;

final class SafetensorsFileTest {
  private static final String TWO_TENSORS =
      "{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
          + "\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[8,9]}}";

  @TempDir Path directory;

  static Stream<Arguments> malformedHeaders() {
    return Stream.of(
        header("not JSON", "{\"a\":", 0, "not valid JSON"),
        header("an array", "[]", 0, "does not start with '{'"),
        header("a leading space", " {}", 0, "does not start with '{'"),
        header("an empty header", "", 0, "does not start with '{'"),
        header("trailing text", "{} {}", 0, "follows the JSON object"),
        header("trailing garbage", "{}x", 0, "not valid JSON"),
        header("a tensor that is a number", "{\"a\":1}", 0, "'a' is not described"),
        header("a missing field", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "'a' lacks"),
        header("an unknown dtype", entry("F31", "[1]", "[0,4]"), 4, "unknown dtype 'F31'"),
        header("a dtype that is a number", entryRaw("7", "[1]", "[0,4]"), 4, "unknown dtype '7'"),
        header("a negative extent", entry("F32", "[-1]", "[0,4]"), 4, "'-1' in its shape"),
        header("a fractional extent", entry("F32", "[1.0]", "[0,4]"), 4, "'1.0' in its shape"),
        header("a string extent", entry("F32", "[\"1\"]", "[0,4]"), 4, "'1' in its shape"),
        header(
            "an extent beyond 64 bits",
            entry("F32", "[99999999999999999999]", "[0,4]"),
            4,
            "'99999999999999999999' in its shape"),
        header(
            "a product beyond 64 bits",
            entry("U8", "[4294967296,4294967296]", "[0,4]"),
            4,
            "[4294967296, 4294967296] has more bytes"),
        header(
            "bytes beyond 64 bits",
            entry("F64", "[2305843009213693952]", "[0,4]"),
            4,
            "more bytes than 64 bits"),
        header("a shape that is no array", entry("F32", "4", "[0,4]"), 4, "shape that is not"),
        header("three offsets", entry("F32", "[1]", "[0,4,4]"), 4, "3 data_offsets"),
        header("negative offsets", entry("F32", "[1]", "[-4,0]"), 4, "'-4' in its data_offsets"),
        header("offsets in reverse", entry("F32", "[1]", "[4,0]"), 4, "bytes 4 to 0"),
        header("offsets beyond the file", entry("F32", "[2]", "[0,8]"), 4, "of a buffer of 4"),
        header("too short a range", entry("F32", "[2]", "[0,4]"), 4, "which is 8 bytes"),
        header("a hole at the start", entry("F32", "[1]", "[4,8]"), 8, "leave holes"),
        header("an unused tail", entry("F32", "[1]", "[0,4]"), 8, "buffer has 8 bytes"),
        header("no tensors over bytes", "{}", 4, "end at byte 0"),
        header("overlap", two("[0,4]", "[2,6]"), 6, "overlap"),
        header("twice the same bytes", two("[0,4]", "[0,4]"), 4, "overlap"),
        header("a hole", two("[0,4]", "[6,10]"), 10, "leave holes"),
        header(
            "duplicate tensors",
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
                + "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
            0,
            "Duplicate field 'a'"),
        header(
            "duplicate fields",
            "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
            0,
            "Duplicate field 'dtype'"),
        header("metadata of numbers", "{\"__metadata__\":{\"k\":1}}", 0, "'k' is not a string"),
        header("metadata of objects", "{\"__metadata__\":{\"k\":{}}}", 0, "'k' is not a string"),
        header("metadata that is text", "{\"__metadata__\":\"x\"}", 0, "__metadata__ is not"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("malformedHeaders")
  void refuses(String what, String header, int dataBytes, String expected) {
    assertRefused(HostileFiles.withHeader(directory, header, dataBytes), expected);
  }

  @Test
  void refusesHeadersThatAreNotUtf8() {
    byte[] header = "{\"a?\":1}".getBytes(StandardCharsets.UTF_8);
    header[3] = (byte) 0xC3;
    assertRefused(HostileFiles.withHeader(directory, header, 0), "not UTF-8");
  }

  @Test
  void refusesWrongLengths() {
    byte[] empty = "{}".getBytes(StandardCharsets.UTF_8);
    assertRefused(HostileFiles.raw(directory, new byte[7]), "7 bytes, fewer than the 8");
    assertRefused(HostileFiles.raw(directory, new byte[0]), "0 bytes");
    assertRefused(HostileFiles.withLength(directory, 3, empty, 0), "said to have 3 bytes");
    assertRefused(HostileFiles.withLength(directory, 100_000_001, empty, 0), "format's 100000000");
    assertRefused(HostileFiles.withLength(directory, -1, empty, 0), "18446744073709551615");
  }

  @Test
  void refusesFilesCutShort() {
    Path whole = HostileFiles.withHeader(directory, TWO_TENSORS, 9);
    SafetensorsFile.open(whole).close();
    assertRefused(HostileFiles.withHeader(directory, TWO_TENSORS, 8), "buffer of 8 bytes");
  }

  @Test
  void namesTheFileThatIsNotThere() {
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(() -> SafetensorsFile.open(directory.resolve("absent.safetensors")))
        .withMessageContaining("absent.safetensors")
        .satisfies(e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_FOUND));
  }

  @Test
  void acceptsScalarsUnorderedKeysAndAnyAlignment() {
    // Header of an odd length: every tensor is unaligned.
    String header = TWO_TENSORS + " ".repeat(TWO_TENSORS.length() % 2 == 0 ? 1 : 0);
    try (SafetensorsFile file =
        SafetensorsFile.open(HostileFiles.withHeader(directory, header, 9))) {
      assertThat(file.names()).containsExactly("b", "a");
      assertThat(file.tensor("a").shape()).isEqualTo(Shape.of());
      assertThat(file.tensor("a").element(0)).isZero();
      assertThat(file.tensor("b").toFloats()).containsExactly(0f, 0f);
      assertThat(file.has("c")).isFalse();
      assertThatExceptionOfType(EngineException.class)
          .isThrownBy(() -> file.tensor("c"))
          .withMessageContaining("no tensor 'c'");
    }
  }

  @Test
  void acceptsEmptyTensorsAndEmptyFiles() {
    Path empty = HostileFiles.withHeader(directory, entry("F32", "[0,7]", "[0,0]"), 0);
    try (SafetensorsFile file = SafetensorsFile.open(empty)) {
      assertThat(file.tensor("a").toFloats()).isEmpty();
    }
    try (SafetensorsFile file = SafetensorsFile.open(HostileFiles.withHeader(directory, "{}", 0))) {
      assertThat(file.names()).isEmpty();
      assertThat(file.metadata()).isEmpty();
    }
  }

  @Test
  void viewsThrowAfterClose() {
    SafetensorsFile file = SafetensorsFile.open(HostileFiles.withHeader(directory, TWO_TENSORS, 9));
    HostTensor view = file.tensor("b");
    file.close();
    file.close();
    assertThatIllegalStateException().isThrownBy(() -> view.element(0));
  }

  @Test
  void sourceIdChangesWithTheFile() {
    String first;
    try (SafetensorsFile file = SafetensorsFile.open(HostileFiles.withHeader(directory, "{}", 0))) {
      first = file.sourceId();
    }
    try (SafetensorsFile file = SafetensorsFile.open(directory.resolve("file.safetensors"))) {
      assertThat(file.sourceId()).isEqualTo(first);
    }
    try (SafetensorsFile file =
        SafetensorsFile.open(HostileFiles.withHeader(directory, "{} ", 0))) {
      assertThat(file.sourceId()).isNotEqualTo(first);
    }
  }

  @Test
  void mutatedHeadersNeverDoWorseThanBeRefused() {
    byte[] good =
        ("{\"__metadata__\":{\"k\":\"v\"},"
                + "\"b\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
                + "\"a\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[12,17]}}")
            .getBytes(StandardCharsets.UTF_8);
    byte[] alphabet = "{}[]\":,0123456789-eE.\\u FI".getBytes(StandardCharsets.UTF_8);
    int refused = 0;
    for (long seed = 0; seed < 3000; seed++) {
      Random random = new Random(seed);
      byte[] header = good.clone();
      for (int n = random.nextInt(3); n >= 0; n--) {
        header[random.nextInt(header.length)] =
            random.nextBoolean()
                ? (byte) random.nextInt(256)
                : alphabet[random.nextInt(alphabet.length)];
      }
      try (SafetensorsFile file =
          SafetensorsFile.open(HostileFiles.withHeader(directory, header, 17))) {
        file.names().forEach(name -> file.tensor(name).toFloats());
      } catch (EngineException e) {
        refused++;
      } catch (RuntimeException e) {
        throw new AssertionError(
            "seed " + seed + ": " + new String(header, StandardCharsets.ISO_8859_1), e);
      }
    }
    assertThat(refused).isGreaterThan(1000);
  }

  @Test
  void dtypesAreReadAsTheFormatNamesThem() {
    for (DType dtype : DType.values()) {
      String header = entry(dtype.name(), "[3]", "[0," + 3 * dtype.byteSize() + "]");
      try (SafetensorsFile file =
          SafetensorsFile.open(HostileFiles.withHeader(directory, header, 3 * dtype.byteSize()))) {
        assertThat(file.tensor("a").dtype()).isEqualTo(dtype);
      }
    }
  }

  private static void assertRefused(Path file, String expected) {
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(() -> SafetensorsFile.open(file).close())
        .withMessageContaining("file.safetensors")
        .withMessageContaining(expected)
        .satisfies(e -> assertThat(e.kind()).isEqualTo(ErrorKind.INPUT));
  }

  private static Arguments header(String what, String header, int dataBytes, String expected) {
    return Arguments.of(what, header, dataBytes, expected);
  }

  private static String entry(String dtype, String shape, String offsets) {
    return entryRaw('"' + dtype + '"', shape, offsets);
  }

  private static String entryRaw(String dtype, String shape, String offsets) {
    return "{\"a\":{\"dtype\":"
        + dtype
        + ",\"shape\":"
        + shape
        + ",\"data_offsets\":"
        + offsets
        + "}}";
  }

  private static String two(String first, String second) {
    return "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":"
        + first
        + "},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":"
        + second
        + "}}";
  }
}
