package quartet.tensor.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cuda.CudaDriver;
import quartet.cuda.raw.Nvrtc;

/**
 * The kernels, compiled for the device's architecture when they are first asked for, and kept on
 * disk under a hash of text and options.
 *
 * <p>Owner: the backend, of the loaded modules. Thread: the device's.
 */
final class KernelLibrary implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(KernelLibrary.class);

  private final CudaDriver driver;
  private final Path folder;
  private final Supplier<Nvrtc> compilers;
  private final Map<Variant, Long> modules = new HashMap<>();
  private final Map<Key, Long> functions = new HashMap<>();
  private @Nullable Nvrtc compiler;

  KernelLibrary(CudaDriver driver, Path folder, Supplier<Nvrtc> compilers) {
    this.driver = driver;
    this.folder = folder;
    this.compilers = compilers;
  }

  /** A constant that a file is compiled with. */
  record Definition(String name, int value) {}

  /**
   * A file compiled one way.
   *
   * @param file without {@code .cu}
   * @param bfloat whether u16 means bfloat16
   * @param more what else is fixed at compile time
   */
  record Variant(String file, boolean bfloat, List<Definition> more) {
    /** Copies the list. */
    Variant {
      more = List.copyOf(more);
    }

    /** A file of which nothing else is fixed. */
    static Variant of(String file, boolean bfloat) {
      return new Variant(file, bfloat, List.of());
    }

    List<String> definitions() {
      List<String> options = new ArrayList<>(List.of("-DBF16=" + (bfloat ? 1 : 0)));
      more.forEach(d -> options.add("-D%s=%d".formatted(d.name(), d.value())));
      return options;
    }
  }

  private record Key(Variant variant, String name) {}

  /** A kernel's handle. */
  long function(Variant variant, String name) {
    return functions.computeIfAbsent(
        new Key(variant, name), key -> driver.function(module(variant), name));
  }

  private long module(Variant variant) {
    return modules.computeIfAbsent(variant, wanted -> driver.loadModule(image(wanted)));
  }

  private byte[] image(Variant variant) {
    String text = text("common.cuh") + "\n" + text(variant.file() + ".cu");
    List<String> options = new ArrayList<>();
    options.add("--gpu-architecture=" + driver.info().architecture());
    options.add("--std=c++17");
    options.addAll(variant.definitions());
    Path kept = folder.resolve("%s-%s.cubin".formatted(variant.file(), hash(text + options)));
    try {
      if (Files.isRegularFile(kept)) {
        return Files.readAllBytes(kept);
      }
    } catch (IOException e) {
      LOG.warn("{} cannot be read ({}); compiling it again", kept, e.toString());
    }
    if (compiler == null) {
      compiler = compilers.get();
    }
    long start = System.nanoTime();
    byte[] image = compiler.compile(variant.file() + ".cu", text, options);
    LOG.debug("compiled {} in {} ms", variant, (System.nanoTime() - start) / 1_000_000);
    keep(kept, image);
    return image;
  }

  private static void keep(Path file, byte[] image) {
    try {
      Files.createDirectories(file.getParent());
      Path temporary = Files.createTempFile(file.getParent(), "kernel", ".tmp");
      Files.write(temporary, image);
      try {
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException e) {
      LOG.warn("{} cannot be kept ({}); kernels are compiled at every start", file, e.toString());
    }
  }

  /** A kernel file's text. */
  static String text(String name) {
    try (InputStream in = KernelLibrary.class.getResourceAsStream("kernels/" + name)) {
      if (in == null) {
        throw new IllegalStateException("there is no kernel file " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 12);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  @Override
  public void close() {
    modules.values().forEach(driver::unloadModule);
    modules.clear();
    functions.clear();
  }
}
