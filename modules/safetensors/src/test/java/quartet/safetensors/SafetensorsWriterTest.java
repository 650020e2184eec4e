package quartet.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.tensor.DType;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;

final class SafetensorsWriterTest {
  @TempDir Path directory;

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Path path = directory.resolve("out.safetensors");
    float[] values = new float[300_001];
    for (int i = 0; i < values.length; i++) {
      values[i] = i * 0.5f - 7;
    }
    HostTensor bytes =
        new HostTensor(MemorySegment.ofArray(new byte[] {1, 2, -1}), DType.U8, Shape.of(3));
    SafetensorsWriter.write(
        path,
        Map.of(
            "bytes",
            bytes,
            "floats",
            HostTensor.of(Shape.of(values.length), values),
            "nothing",
            HostTensor.of(Shape.of(0, 3), new float[0]),
            "ganzzahl ü",
            HostTensor.of(Shape.of(2, 1), new int[] {5, -6})),
        Map.of("note", "line\n\"quoted\""));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.metadata()).containsExactly(Map.entry("note", "line\n\"quoted\""));
      assertThat(file.names())
          .containsExactlyInAnyOrder("bytes", "floats", "nothing", "ganzzahl ü");
      assertThat(file.tensor("floats").toFloats()).containsExactly(values);
      assertThat(file.tensor("bytes").toFloats()).containsExactly(1f, 2f, 255f);
      assertThat(file.tensor("ganzzahl ü").toFloats()).containsExactly(5f, -6f);
      // mapped at a page boundary, so the address shows the alignment in the file
      assertThat(file.tensor("floats").segment().address() % 4).isZero();
      assertThat(file.tensor("ganzzahl ü").segment().address() % 4).isZero();
    }
    try (var files = Files.list(directory)) {
      assertThat(files).containsExactly(path);
    }
  }

  @Test
  void replacesAnOldFile() {
    Path path = directory.resolve("out.safetensors");
    for (int round = 0; round < 2; round++) {
      SafetensorsWriter.write(
          path, Map.of("x", HostTensor.of(Shape.of(1), new float[] {round})), Map.of());
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.tensor("x").toFloats()).containsExactly(1f);
    }
  }
}
