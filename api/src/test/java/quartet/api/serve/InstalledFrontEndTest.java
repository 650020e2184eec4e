package quartet.api.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class InstalledFrontEndTest {
  @TempDir Path folder;

  private Path installed(String python) throws IOException {
    Path root =
        Files.createDirectories(folder.resolve(python).resolve("comfyui_frontend_package/static"));
    Files.writeString(root.resolve("index.html"), "<title>front end</title>");
    return root;
  }

  @Test
  void theNewestPythonsIsTaken() throws IOException {
    installed("lib/python3.9/site-packages");
    Path newer = installed("lib/python3.12/site-packages");
    installed("lib/python3/dist-packages");
    assertThat(new InstalledFrontEnd(List.of(folder.resolve("lib"))).find()).contains(newer);
  }

  @Test
  void aVirtualEnvironmentComesFirst() throws IOException {
    installed("home/.local/lib/python3.12/site-packages");
    Path virtual = installed("venv/lib/python3.11/site-packages");
    assertThat(
            InstalledFrontEnd.of(
                    Map.of(
                        "VIRTUAL_ENV", folder.resolve("venv").toString(),
                        "HOME", folder.resolve("home").toString()))
                .find())
        .contains(virtual);
  }

  @Test
  void aFolderWithoutAnIndexAndNoFolderAtAllAreNone() throws IOException {
    Files.delete(installed("lib/python3.12/site-packages").resolve("index.html"));
    assertThat(new InstalledFrontEnd(List.of(folder.resolve("lib"), folder.resolve("none"))).find())
        .isEmpty();
  }
}
