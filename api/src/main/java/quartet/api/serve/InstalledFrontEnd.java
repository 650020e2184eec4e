package quartet.api.serve;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The official front end where its Python package is installed: {@code
 * comfyui_frontend_package/static} in a virtual environment, the user's or the system's packages.
 * Pure but for looking at folders.
 *
 * @param libraries folders that hold {@code python3*} folders
 */
public record InstalledFrontEnd(List<Path> libraries) {
  private static final String STATIC = "comfyui_frontend_package/static";

  /** Copies the list. */
  public InstalledFrontEnd {
    libraries = List.copyOf(libraries);
  }

  /** Where this process's environment says that Python's packages are. */
  public static InstalledFrontEnd of(Map<String, String> environment) {
    List<Path> libraries = new ArrayList<>();
    String virtual = environment.get("VIRTUAL_ENV");
    if (virtual != null && !virtual.isBlank()) {
      libraries.add(Path.of(virtual, "lib"));
    }
    String home = environment.get("HOME");
    if (home != null && !home.isBlank()) {
      libraries.add(Path.of(home, ".local", "lib"));
    }
    libraries.add(Path.of("/usr/local/lib"));
    libraries.add(Path.of("/usr/lib"));
    return new InstalledFrontEnd(libraries);
  }

  /** The folder with its {@code index.html}, newest Python first; or empty. */
  public Optional<Path> find() {
    for (Path library : libraries) {
      for (Path python : pythons(library)) {
        for (String packages : new String[] {"site-packages", "dist-packages"}) {
          Path root = python.resolve(packages).resolve(STATIC);
          if (Files.isRegularFile(root.resolve("index.html"))) {
            return Optional.of(root);
          }
        }
      }
    }
    return Optional.empty();
  }

  private static List<Path> pythons(Path library) {
    List<Path> found = new ArrayList<>();
    if (Files.isDirectory(library)) {
      try (DirectoryStream<Path> folders = Files.newDirectoryStream(library, "python3*")) {
        folders.forEach(found::add);
      } catch (IOException e) {
        // A folder that cannot be listed has no front end for us.
        return List.of();
      }
    }
    found.sort(Comparator.comparingInt(InstalledFrontEnd::minor).reversed());
    return found;
  }

  /** The number behind the dot in a folder's name; 0 where there is none. */
  private static int minor(Path python) {
    String name = String.valueOf(python.getFileName());
    String digits = name.substring(name.lastIndexOf('.') + 1);
    return digits.matches("\\d{1,4}") ? Integer.parseInt(digits) : 0;
  }
}
