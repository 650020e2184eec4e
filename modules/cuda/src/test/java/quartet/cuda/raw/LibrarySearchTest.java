package quartet.cuda.raw;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LibrarySearchTest {
  @TempDir Path folder;

  @Test
  void theOptionComesBeforeTheEnvironment() throws IOException {
    Path first = file("first/libcudnn.so.9");
    file("second/libcudnn.so.9");
    LibrarySearch search =
        LibrarySearch.of(
            folder.resolve("first").toString(),
            Map.of("LD_LIBRARY_PATH", folder.resolve("second").toString()));
    assertThat(search.find(LibrarySearch.CUDNN)).contains(first);
  }

  @Test
  void theFolderOfPythonWheelsIsUnderstood() throws IOException {
    Path library = file("nvidia/cu13/lib/libcublasLt.so.13");
    LibrarySearch search =
        LibrarySearch.of(
            null, Map.of("QUARTET_CUDA_LIBRARIES", folder.resolve("nvidia").toString()));
    assertThat(search.find(LibrarySearch.CUBLASLT)).contains(library);
  }

  @Test
  void newerVersionsWinAndMissingFoldersDoNoHarm() throws IOException {
    file("a/libnvrtc.so.12");
    Path newer = file("b/libnvrtc.so.13");
    LibrarySearch search =
        LibrarySearch.of(
            folder.resolve("none") + ":" + folder.resolve("a") + ":" + folder.resolve("b"),
            Map.of());
    assertThat(search.find(LibrarySearch.NVRTC)).contains(newer);
    assertThat(search.find(LibrarySearch.NVML).map(Path::getParent))
        .isNotEqualTo(java.util.Optional.of(folder));
  }

  @Test
  void aFileThatIsNoLibraryIsPassedOver() throws IOException {
    file("a/libcudnn.so.9");
    LibrarySearch search = new LibrarySearch(java.util.List.of(folder.resolve("a")));
    assertThat(search.load(java.util.List.of("libcudnn.so.9.none", "libcudnn.so.9")))
        .satisfiesAnyOf(
            loaded -> assertThat(loaded).isEmpty(),
            loaded -> assertThat(loaded.orElseThrow().path()).isEqualTo(Path.of("libcudnn.so.9")));
  }

  private Path file(String name) throws IOException {
    Path path = folder.resolve(name);
    Files.createDirectories(path.getParent());
    return Files.createFile(path);
  }
}
