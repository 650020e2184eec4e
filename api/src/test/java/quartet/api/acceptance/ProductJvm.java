package quartet.api.acceptance;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * The JVM in which tests run the product, with the classes under test and, as an archive has one, a
 * start-up cache: more than a hundred servers are started by these tests, and a cache halves the
 * processor time of each.
 *
 * <p>A cache wants jars, so folders of classes are packed below {@code target/product}, in a folder
 * that is named after what they hold. A run of a few chosen tests makes no cache; it uses one that
 * is there.
 */
final class ProductJvm {
  /** Surefire passes on what was asked for with {@code -Dtest}. */
  private static final String CHOSEN_TESTS = "test";

  private static final Duration TRAINING = Duration.ofMinutes(3);

  private static volatile List<String> start = List.of();

  private ProductJvm() {}

  /**
   * The words before the product's own arguments.
   *
   * @param flags more flags of the JVM
   */
  static List<String> command(List<String> flags) {
    List<String> command = new ArrayList<>(bare());
    command.addAll(flags);
    command.addAll(prepared());
    command.add("quartet.api.Main");
    return command;
  }

  private static List<String> bare() {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "--add-modules=jdk.incubator.vector");
  }

  /** Class path and cache. */
  private static synchronized List<String> prepared() {
    if (start.isEmpty()) {
      try {
        start = prepare();
      } catch (IOException | AssertionError e) {
        System.err.println("Servers under test start without a cache, more slowly: " + e);
        start = List.of("-cp", System.getProperty("java.class.path"));
      }
    }
    return start;
  }

  private static List<String> prepare() throws IOException {
    // Surefire's ends with an empty entry, which would be the current folder.
    String original = System.getProperty("java.class.path").replaceFirst(":+$", "");
    Map<Path, Map<Path, BasicFileAttributes>> folders = folders(original);
    Path all = Path.of("target", "product").toAbsolutePath();
    Path own = all.resolve(fingerprint(original, folders));
    Path cache = own.resolve("start-up.aot");
    if (!Files.exists(cache)) {
      if (System.getProperty(CHOSEN_TESTS) != null) {
        return List.of("-cp", original);
      }
      delete(all);
      Files.createDirectories(own);
      for (Path folder : folders.keySet()) {
        pack(folder, folders.get(folder).keySet(), jar(own, folder));
      }
      train(packed(original, own), cache);
    }
    return List.of("-XX:AOTCache=" + cache, "-cp", packed(original, own));
  }

  private static Map<Path, Map<Path, BasicFileAttributes>> folders(String classPath)
      throws IOException {
    Map<Path, Map<Path, BasicFileAttributes>> folders = new TreeMap<>();
    for (String entry : classPath.split(":", -1)) {
      Path folder = Path.of(entry);
      if (Files.isDirectory(folder)) {
        folders.put(folder, files(folder));
      }
    }
    return folders;
  }

  private static Map<Path, BasicFileAttributes> files(Path folder) throws IOException {
    Map<Path, BasicFileAttributes> files = new TreeMap<>();
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            files.put(file, attributes);
            return FileVisitResult.CONTINUE;
          }
        });
    return files;
  }

  private static String fingerprint(
      String classPath, Map<Path, Map<Path, BasicFileAttributes>> folders) {
    StringBuilder text = new StringBuilder(classPath);
    for (Map<Path, BasicFileAttributes> files : folders.values()) {
      files.forEach(
          (file, attributes) ->
              text.append(file)
                  .append(attributes.size())
                  .append(attributes.lastModifiedTime().toMillis()));
    }
    CRC32 sum = new CRC32();
    sum.update(text.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8));
    return HexFormat.of().toHexDigits((int) sum.getValue());
  }

  private static Path jar(Path own, Path folder) {
    return own.resolve(folder.toString().replace('/', '_') + ".jar");
  }

  private static void pack(Path folder, Iterable<Path> files, Path jar) throws IOException {
    try (OutputStream out = Files.newOutputStream(jar);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.setLevel(0);
      for (Path file : files) {
        zip.putNextEntry(new ZipEntry(folder.relativize(file).toString()));
        Files.copy(file, zip);
        zip.closeEntry();
      }
    }
  }

  private static String packed(String classPath, Path own) {
    List<String> entries = new ArrayList<>();
    for (String entry : classPath.split(":", -1)) {
      Path jar = jar(own, Path.of(entry));
      entries.add(Files.exists(jar) ? jar.toString() : entry);
    }
    return String.join(":", entries);
  }

  /** A server's life: it starts, draws a picture, is looked at and ends. */
  private static void train(String classPath, Path cache) throws IOException {
    Path base = Files.createTempDirectory("quartet-training");
    Files.createSymbolicLink(base.resolve("models"), ServerProcess.repository().resolve("models"));
    List<String> command = new ArrayList<>(bare());
    command.addAll(List.of("-Xmx1g", "-XX:AOTCacheOutput=" + cache, "-cp", classPath));
    command.addAll(List.of("quartet.api.Main", "serve", "--devices", "cpu:1", "--port", "0"));
    command.addAll(List.of("--base-directory", base.toString()));
    try (ServerProcess server = ServerProcess.start(base, command);
        Client client = new Client(server)) {
      client.ended(client.accepted(Client.quick(1)), TRAINING);
      for (String path : List.of("/", "/queue", "/queue/all", "/object_info", "/metrics")) {
        client.get(path);
      }
      // Not by the process's own object, which would close its log: the cache's last words go
      // there.
      ProcessHandle.of(server.pid()).orElseThrow().destroy();
      server.exitCode(TRAINING);
      if (!Files.exists(cache)) {
        throw new IOException("the JVM wrote no cache:\n" + server.text());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      delete(base);
    }
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(
              Path visited, @org.jspecify.annotations.Nullable IOException e) throws IOException {
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
