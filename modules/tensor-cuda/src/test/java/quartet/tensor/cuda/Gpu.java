package quartet.tensor.cuda;

import static org.junit.jupiter.api.Assumptions.abort;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import quartet.cuda.raw.LibrarySearch;
import quartet.cuda.raw.RealDriver;
import quartet.tensor.Device;

/** The machine's first GPU, for tests; without one they are skipped and say why. */
final class Gpu {
  /** Where compiled kernels and choices are kept between tests; {@code -Dquartet.cuda.cache}. */
  private static final String CACHE = "quartet.cuda.cache";

  private Gpu() {}

  /** Why GPU tests cannot run here, or null if they can. */
  static @Nullable String missing() {
    LibrarySearch search = LibrarySearch.ofThisProcess();
    if (RealDriver.count() == 0) {
      return "there is no NVIDIA driver with a usable GPU";
    }
    for (var library :
        java.util.List.of(LibrarySearch.CUBLASLT, LibrarySearch.CUDNN, LibrarySearch.NVRTC)) {
      if (!search.canLoad(library)) {
        return library.getFirst() + " is not installed";
      }
    }
    return null;
  }

  static CudaSettings settings() {
    String folder = System.getProperty(CACHE);
    CudaSettings standard = CudaSettings.standard();
    return folder == null ? standard : standard.withCache(Path.of(folder));
  }

  /** Opens it on the calling thread, or skips the test. */
  static CudaBackend open(CudaSettings settings) {
    return open(settings, AllocationGate.OPEN);
  }

  static CudaBackend open(CudaSettings settings, AllocationGate gate) {
    String missing = missing();
    if (missing != null) {
      System.out.println("SKIPPED GPU tests: " + missing);
      abort(missing);
    }
    return CudaBackend.open(
        new Device(Device.Kind.CUDA, 0), new HostRegistrations(), settings, gate);
  }
}
