package quartet.api.acceptance;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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

  /** Made when the first program is started. */
  private static final class Prepared {
    /** Cache and class path. */
    static final List<String> FLAGS = orWithoutCache();
  }

  private ProductJvm() {}

  /**
   * The words before the product's own arguments.
   *
   * @param flags more flags of the JVM
   */
  static List<String> command(List<String> flags) {
    List<String> command = new ArrayList<>(bare());
    command.addAll(flags);
    command.addAll(Prepared.FLAGS);
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

  private static List<String> orWithoutCache() {
    // Surefire's ends with an empty entry, which would be the current folder.
    List<Path> classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
            .filter(entry -> !entry.isEmpty())
            .map(Path::of)
            .toList();
    try {
      return prepare(classPath);
    } catch (IOException | AssertionError e) {
      System.err.println("Servers under test start without a cache, more slowly: " + e);
      return List.of("-cp", joined(classPath));
    }
  }

  private static List<String> prepare(List<Path> classPath) throws IOException {
    Path all = Path.of("target", "product").toAbsolutePath();
    Path own = all.resolve(fingerprint(classPath));
    Path cache = own.resolve("start-up.aot");
    String packed =
        joined(
            classPath.stream()
                .map(entry -> Files.isDirectory(entry) ? jar(own, entry) : entry)
                .toList());
    if (!Files.exists(cache)) {
      if (System.getProperty(CHOSEN_TESTS) != null) {
        return List.of("-cp", joined(classPath));
      }
      delete(all);
      Files.createDirectories(own);
      for (Path folder : classPath) {
        if (Files.isDirectory(folder)) {
          pack(folder, jar(own, folder));
        }
      }
      train(packed, cache);
    }
    return List.of("-XX:AOTCache=" + cache, "-cp", packed);
  }

  private static String joined(List<Path> classPath) {
    return classPath.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> found = Files.walk(folder)) {
      return found.filter(Files::isRegularFile).sorted().toList();
    }
  }

  /** Of what the folders hold, by names, sizes and times. */
  private static String fingerprint(List<Path> classPath) throws IOException {
    StringBuilder text = new StringBuilder(joined(classPath));
    for (Path folder : classPath) {
      if (Files.isDirectory(folder)) {
        for (Path file : files(folder)) {
          text.append(file).append(Files.size(file)).append(Files.getLastModifiedTime(file));
        }
      }
    }
    CRC32 sum = new CRC32();
    sum.update(text.toString().getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().toHexDigits((int) sum.getValue());
  }

  private static Path jar(Path own, Path folder) {
    return own.resolve(folder.toString().replace('/', '_') + ".jar");
  }

  private static void pack(Path folder, Path jar) throws IOException {
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
      zip.setLevel(0);
      for (Path file : files(folder)) {
        zip.putNextEntry(new ZipEntry(folder.relativize(file).toString()));
        Files.copy(file, zip);
        zip.closeEntry();
      }
    }
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
    try (Stream<Path> found = Files.walk(folder)) {
      for (Path one : found.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(one);
      }
    }
  }
}
