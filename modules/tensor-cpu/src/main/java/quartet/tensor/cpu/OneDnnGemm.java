package quartet.tensor.cpu;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.bytedeco.javacpp.Loader;

/**
 * oneDNN's {@code dnnl_sgemm}.
 *
 * <p>JavaCPP unpacks the bundled library; the calls go through {@code java.lang.foreign}, which
 * takes our addresses as they are and costs some nanoseconds. Against a matmul primitive with
 * weights packed in advance sgemm is as fast on the shapes of diffusion models (both 55-112 GFLOP/s
 * on a Zen 4 core, whichever comes first by chance), so there are no primitives, no memory objects
 * and no cache of them.
 *
 * <p>The bundled build uses OpenMP. Its thread count is a setting of the calling thread, so {@link
 * #prepareThread} sets it to one; results then cannot depend on the number of cores.
 */
final class OneDnnGemm implements Gemm {
  private static final byte NO = (byte) 'N';
  private static final byte YES = (byte) 'T';

  private final MethodHandle sgemm;
  private final MethodHandle setThreads;
  private final String name;

  private OneDnnGemm(MethodHandle sgemm, MethodHandle setThreads, String name) {
    this.sgemm = sgemm;
    this.setThreads = setThreads;
    this.name = name;
  }

  /**
   * Loads the library.
   *
   * @throws LinkageError if there is none for this platform, or it lacks a symbol
   */
  @SuppressWarnings("restricted")
  static OneDnnGemm load() {
    SymbolLookup openMp = library("libgomp.so.1");
    SymbolLookup library = library("libdnnl.so.3");
    Linker linker = Linker.nativeLinker();
    MethodHandle sgemm =
        linker.downcallHandle(
            symbol(library, "dnnl_sgemm"),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_BYTE,
                ValueLayout.JAVA_BYTE,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_FLOAT,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_FLOAT,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG));
    MethodHandle setThreads =
        linker.downcallHandle(
            symbol(openMp, "omp_set_num_threads"), FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
    return new OneDnnGemm(sgemm, setThreads, "oneDNN " + version(linker, library));
  }

  /** Opens a library of the bundled jar; oneDNN's own need of OpenMP is met by the one opened. */
  @SuppressWarnings("restricted")
  private static SymbolLookup library(String file) {
    String resource = "/org/bytedeco/dnnl/" + Loader.getPlatform() + "/" + file;
    try {
      File unpacked = Loader.cacheResource(OneDnnGemm.class, resource);
      if (unpacked == null) {
        throw new UnsatisfiedLinkError("no " + resource + " on the class path");
      }
      // Open for the life of the process: OpenMP cannot be unloaded safely.
      return SymbolLookup.libraryLookup(unpacked.toPath(), Arena.global());
    } catch (IOException | IllegalArgumentException e) {
      throw (UnsatisfiedLinkError)
          new UnsatisfiedLinkError("cannot open " + resource + ": " + e.getMessage()).initCause(e);
    }
  }

  /** Source: {@code dnnl_version_t}: major, minor and patch as the first three ints. */
  @SuppressWarnings("restricted")
  private static String version(Linker linker, SymbolLookup library) {
    try {
      MemorySegment numbers =
          (MemorySegment)
              linker
                  .downcallHandle(
                      symbol(library, "dnnl_version"), FunctionDescriptor.of(ValueLayout.ADDRESS))
                  .invokeExact();
      MemorySegment readable = numbers.reinterpret(3 * Integer.BYTES);
      return "%d.%d.%d"
          .formatted(
              readable.getAtIndex(ValueLayout.JAVA_INT, 0),
              readable.getAtIndex(ValueLayout.JAVA_INT, 1),
              readable.getAtIndex(ValueLayout.JAVA_INT, 2));
    } catch (Throwable e) {
      throw new IllegalStateException("dnnl_version failed", e);
    }
  }

  private static MemorySegment symbol(SymbolLookup library, String symbol) {
    return library.find(symbol).orElseThrow(() -> new UnsatisfiedLinkError("no symbol " + symbol));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void prepareThread() {
    try {
      setThreads.invokeExact(1);
    } catch (Throwable e) {
      throw new IllegalStateException("omp_set_num_threads failed", e);
    }
  }

  @Override
  public void multiply(
      boolean transposeB,
      long m,
      long n,
      long k,
      float alpha,
      long a,
      long lda,
      long b,
      long ldb,
      float beta,
      long c,
      long ldc) {
    int status;
    try {
      status =
          (int)
              sgemm.invokeExact(
                  NO, transposeB ? YES : NO, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    } catch (Throwable e) {
      throw new IllegalStateException("dnnl_sgemm failed", e);
    }
    if (status != 0) {
      throw new IllegalStateException(
          "dnnl_sgemm(m=%d, n=%d, k=%d) answers %d".formatted(m, n, k, status));
    }
  }
}
