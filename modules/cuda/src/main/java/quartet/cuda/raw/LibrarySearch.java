package quartet.cuda.raw;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds CUDA's libraries by soname: folders that the operator names, the loader's path, {@code
 * CUDA_HOME}, the toolkit's and the distribution's usual folders, and the folders of NVIDIA's
 * Python wheels. Newer major versions first.
 *
 * @param folders to look into, in order
 */
public record LibrarySearch(List<Path> folders) {
  private static final Logger LOG = LoggerFactory.getLogger(LibrarySearch.class);

  /** Names folders, separated by colons: {@code -Dquartet.cuda.libraries=/opt/cudnn/lib}. */
  public static final String PROPERTY = "quartet.cuda.libraries";

  /** The same as an environment variable. */
  public static final String VARIABLE = "QUARTET_CUDA_LIBRARIES";

  /** cuBLASLt's names. */
  public static final List<String> CUBLASLT = List.of("libcublasLt.so.13", "libcublasLt.so.12");

  /** cuDNN's names. */
  public static final List<String> CUDNN = List.of("libcudnn.so.9");

  /** NVRTC's names. */
  public static final List<String> NVRTC = List.of("libnvrtc.so.13", "libnvrtc.so.12");

  /** NVML's names. */
  public static final List<String> NVML = List.of("libnvidia-ml.so.1");

  /** The driver's name. */
  public static final List<String> DRIVER = List.of("libcuda.so.1");

  /** Copies the list. */
  public LibrarySearch {
    folders = List.copyOf(folders);
  }

  /** What this process's property and environment say. */
  public static LibrarySearch ofThisProcess() {
    return of(System.getProperty(PROPERTY), System.getenv());
  }

  /** From an option and an environment; only folders that exist. */
  public static LibrarySearch of(@Nullable String option, Map<String, String> environment) {
    Set<Path> found = new LinkedHashSet<>();
    addAll(found, option);
    addAll(found, environment.get(VARIABLE));
    addAll(found, environment.get("LD_LIBRARY_PATH"));
    for (String home : new String[] {"CUDA_HOME", "CUDA_PATH"}) {
      String value = environment.get(home);
      if (value != null && !value.isBlank()) {
        found.add(Path.of(value, "lib64"));
      }
    }
    found.add(Path.of("/usr/local/cuda/lib64"));
    found.add(Path.of("/usr/lib/x86_64-linux-gnu"));
    found.add(Path.of("/usr/lib64"));
    found.add(Path.of("/usr/lib/wsl/lib"));
    return new LibrarySearch(found.stream().filter(Files::isDirectory).toList());
  }

  private static void addAll(Set<Path> found, @Nullable String named) {
    if (named != null) {
      for (String part : named.split(":", -1)) {
        addWithWheels(found, part);
      }
    }
  }

  /** A folder, and where it is the {@code nvidia} folder of Python wheels, their lib folders. */
  private static void addWithWheels(Set<Path> found, String text) {
    if (text.isBlank()) {
      return;
    }
    Path folder = Path.of(text);
    found.add(folder);
    try (Stream<Path> children = Files.isDirectory(folder) ? Files.list(folder) : Stream.of()) {
      children
          .map(child -> child.resolve("lib"))
          .filter(Files::isDirectory)
          .sorted()
          .forEach(found::add);
    } catch (IOException e) {
      // A folder that cannot be listed has nothing that can be loaded either.
      found.remove(folder);
    }
  }

  /** The first file of one of the names, in the folders' order for each name. */
  public Optional<Path> find(List<String> sonames) {
    for (String soname : sonames) {
      for (Path folder : folders) {
        Path file = folder.resolve(soname);
        if (Files.isRegularFile(file)) {
          return Optional.of(file);
        }
      }
    }
    return Optional.empty();
  }

  /** Whether one of the names can be loaded. */
  public boolean canLoad(List<String> sonames) {
    return load(sonames).isPresent();
  }

  /** Loads the first that the folders or the loader have; empty if there is none. */
  Optional<NativeLibrary> load(List<String> sonames) {
    List<Path> candidates = new ArrayList<>();
    find(sonames).ifPresent(candidates::add);
    sonames.forEach(name -> candidates.add(Path.of(name)));
    for (Path candidate : candidates) {
      try {
        String soname = String.valueOf(candidate.getFileName());
        return Optional.of(NativeLibrary.load(soname, candidate));
      } catch (IllegalArgumentException e) {
        // Not there, or not for this machine: the next one may be.
        LOG.debug("{} cannot be loaded: {}", candidate, e.getMessage());
      }
    }
    return Optional.empty();
  }
}
