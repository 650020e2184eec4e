package quartet.api.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HostNameTest {
  @Test
  void itIsTheKernelsLine(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("hostname"), "pictures-1\n");
    assertThat(HostName.read(file)).isEqualTo("pictures-1");
  }

  @Test
  void aMachineWithoutNameIsAServer(@TempDir Path folder) throws IOException {
    assertThat(HostName.read(folder.resolve("absent"))).isEqualTo("server");
    assertThat(HostName.read(Files.writeString(folder.resolve("empty"), "\n"))).isEqualTo("server");
  }
}
