package quartet.engine.files;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.FileVisitor;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import quartet.engine.node.Catalog;
import quartet.engine.node.NodeContext;
import quartet.errors.EngineException;

/**
 * The folders below a base directory, laid out as ComfyUI's are.
 *
 * @param models parent of {@code checkpoints}, {@code loras}, …
 * @param input pictures that workflows load
 * @param output results
 * @param temp previews; emptied at start
 * @param customNodes plug-in jars
 * @param user settings and saved workflows of the front end
 * @param logs log files
 */
public record Folders(
    Path models, Path input, Path output, Path temp, Path customNodes, Path user, Path logs)
    implements Catalog, NodeContext.Files {
  private static final int MAX_DEPTH = 32;

  private static final Set<String> MODEL_SUFFIXES =
      Set.of(".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".bin", ".pth", ".pkl");
  private static final Set<String> IMAGE_SUFFIXES =
      Set.of(".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff");

  /** The usual layout below one directory. */
  public static Folders below(Path base) {
    Path root = base.toAbsolutePath().normalize();
    return new Folders(
        root.resolve("models"),
        root.resolve("input"),
        root.resolve("output"),
        root.resolve("temp"),
        root.resolve("custom_nodes"),
        root.resolve("user"),
        root.resolve("logs"));
  }

  /** The same with results elsewhere. */
  public Folders withOutput(Path other) {
    return new Folders(
        models, input, other.toAbsolutePath().normalize(), temp, customNodes, user, logs);
  }

  /**
   * Makes the folders that are written to.
   *
   * @throws EngineException with the path, if one cannot be made
   */
  public void create() {
    for (Path folder : List.of(input, output, temp)) {
      try {
        Files.createDirectories(folder);
      } catch (IOException e) {
        throw new EngineException(
            FileError.FOLDER_UNUSABLE, "Cannot make the folder " + folder + ": " + e, e);
      }
    }
  }

  @Override
  public List<String> models(String folderKey) {
    TreeSet<String> names = new TreeSet<>();
    for (Path folder : modelFolders(folderKey)) {
      if (Files.isDirectory(folder)) {
        try {
          Files.walkFileTree(
              folder,
              Set.of(FileVisitOption.FOLLOW_LINKS),
              MAX_DEPTH,
              collect(folderKey, folder, names));
        } catch (IOException e) {
          throw new EngineException(
              FileError.FOLDER_UNUSABLE, "Cannot list " + folder + ": " + e, e);
        }
      }
    }
    return List.copyOf(names);
  }

  /** A loop of links or a folder that may not be read is passed over. */
  private static FileVisitor<Path> collect(String folderKey, Path folder, Set<String> names) {
    return new SimpleFileVisitor<>() {
      @Override
      public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
        return directory.endsWith(".git") ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
      }

      @Override
      public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
        if (attributes.isRegularFile() && isModel(folderKey, file)) {
          names.add(folder.relativize(file).toString());
        }
        return FileVisitResult.CONTINUE;
      }

      @Override
      public FileVisitResult visitFileFailed(Path file, IOException reason) {
        return FileVisitResult.CONTINUE;
      }

      @Override
      public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException reason) {
        return FileVisitResult.CONTINUE;
      }
    };
  }

  @Override
  public Path model(String folderKey, String name) {
    return findModel(folderKey, name)
        .orElseThrow(
            () ->
                new EngineException(
                    FileError.MODEL_NOT_FOUND,
                    "No file '%s' in models/%s. There are: %s"
                        .formatted(
                            name,
                            folderKey,
                            models(folderKey).isEmpty() ? "none" : models(folderKey))));
  }

  @Override
  public Optional<Path> findModel(String folderKey, String name) {
    for (Path folder : modelFolders(folderKey)) {
      Path file = lexicallyInside(folder, name);
      if (Files.isRegularFile(file)) {
        return Optional.of(file);
      }
    }
    return Optional.empty();
  }

  private static boolean isModel(String folderKey, Path file) {
    return hasSuffix(file, ModelKeys.suffixes(folderKey).orElse(MODEL_SUFFIXES));
  }

  /** Where the files of a folder key are looked for, the first one first. */
  public List<Path> modelFolders(String folderKey) {
    return folderKey.equals(ModelKeys.CUSTOM_NODES)
        ? List.of(customNodes)
        : ModelKeys.subfolders(folderKey).stream()
            .map(folder -> lexicallyInside(models, folder))
            .toList();
  }

  @Override
  public List<String> inputImages() {
    return inputFiles(IMAGE_SUFFIXES);
  }

  @Override
  public List<String> inputFiles(String suffix) {
    return inputFiles(Set.of(suffix));
  }

  private List<String> inputFiles(Set<String> suffixes) {
    if (!Files.isDirectory(input)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(input)) {
      return files
          .filter(file -> hasSuffix(file, suffixes) && Files.isRegularFile(file))
          .map(file -> file.getFileName().toString())
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new EngineException(FileError.FOLDER_UNUSABLE, "Cannot list " + input + ": " + e, e);
    }
  }

  @Override
  public boolean imageExists(String annotatedName) {
    try {
      return Files.isRegularFile(resolve(AnnotatedName.of(annotatedName)));
    } catch (EngineException e) {
      return false;
    }
  }

  @Override
  public Path image(String annotatedName) {
    Path file = resolve(AnnotatedName.of(annotatedName));
    if (!Files.isRegularFile(file)) {
      throw new EngineException(
          FileError.IMAGE_NOT_FOUND,
          "No picture '%s' in %s".formatted(annotatedName, file.getParent()));
    }
    return file;
  }

  private Path resolve(AnnotatedName name) {
    Path folder =
        switch (name.folder()) {
          case INPUT -> input;
          case OUTPUT -> output;
          case TEMP -> temp;
        };
    return inside(folder, name.file());
  }

  /**
   * A file inside a folder, symbolic links resolved before the check.
   *
   * @throws EngineException if the name leads out of it
   */
  public static Path inside(Path folder, String name) {
    Path file = lexicallyInside(folder, name);
    Path root = folder.toAbsolutePath().normalize();
    try {
      Path present = file; // the nearest part that is there: a file may still have to be made
      while (!present.equals(root) && !Files.exists(present)) {
        if (Files.isSymbolicLink(present)) {
          throw leadsOut(folder, name); // a link that leads nowhere is no place to write to
        }
        present = Objects.requireNonNull(present.getParent());
      }
      if (present.equals(root) || present.toRealPath().startsWith(root.toRealPath())) {
        return file;
      }
    } catch (IOException e) {
      throw new EngineException(
          FileError.PATH_OUTSIDE_FOLDER, "'" + name + "' is no usable file name: " + e, e);
    }
    throw leadsOut(folder, name);
  }

  /** As {@link #inside}, but operators keep models elsewhere and link them in. */
  private static Path lexicallyInside(Path folder, String name) {
    Path root = folder.toAbsolutePath().normalize();
    Path file;
    try {
      file = root.resolve(name).normalize();
    } catch (InvalidPathException e) {
      throw new EngineException(
          FileError.PATH_OUTSIDE_FOLDER, "'" + name + "' is no usable file name: " + e, e);
    }
    if (!file.startsWith(root) || file.equals(root)) {
      throw leadsOut(folder, name);
    }
    return file;
  }

  private static EngineException leadsOut(Path folder, String name) {
    return new EngineException(
        FileError.PATH_OUTSIDE_FOLDER,
        "'%s' leads out of the folder %s".formatted(name, folder.getFileName()));
  }

  private static boolean hasSuffix(Path file, Set<String> suffixes) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return suffixes.stream().anyMatch(name::endsWith);
  }
}
