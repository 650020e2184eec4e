package quartet.api;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import quartet.api.doctor.Finding;
import quartet.api.doctor.GpuProbe;
import quartet.cuda.DeviceInfo;
import quartet.cuda.GpuReading;
import quartet.cuda.GpuSensors;
import quartet.cuda.raw.LibrarySearch;
import quartet.cuda.raw.Nvml;
import quartet.cuda.raw.RealDriver;

/** NVIDIA's driver, GPUs and the libraries that the CUDA backend loads at run time. */
final class CudaProbe implements GpuProbe {
  private static final int LEAST_CAPABILITY = 80;

  private record Library(List<String> sonames, String purpose, String advice) {}

  private static final List<Library> LIBRARIES =
      List.of(
          new Library(
              LibrarySearch.CUBLASLT, "matrix products", "the CUDA toolkit's cublas package"),
          new Library(LibrarySearch.CUDNN, "convolutions", "cuDNN 9 for your CUDA version"),
          new Library(
              LibrarySearch.NVRTC, "compiling kernels", "the CUDA toolkit's nvrtc package"));

  @Override
  public int count() {
    return RealDriver.count();
  }

  @Override
  public List<Finding> findings() {
    int count = count();
    if (count == 0) {
      return List.of(
          Finding.note(
              "GPU",
              "no NVIDIA driver with a usable GPU was found",
              "Without one Quartet computes on the CPU. With a card: install NVIDIA's driver; `nvidia-smi` must list it."));
    }
    List<Finding> findings = new ArrayList<>();
    for (int ordinal = 0; ordinal < count; ordinal++) {
      RealDriver.describe(ordinal).map(CudaProbe::device).ifPresent(findings::add);
    }
    LibrarySearch search = LibrarySearch.ofThisProcess();
    for (Library library : LIBRARIES) {
      findings.add(library(search, library));
    }
    try (GpuSensors sensors = Nvml.open().orElse(null)) {
      findings.addAll(sensors(sensors == null ? List.of() : sensors.read()));
    }
    return findings;
  }

  /** GPUs from the first on that are new enough for the kernels. */
  static int fitDevices() {
    int count = RealDriver.count();
    int fit = 0;
    while (fit < count
        && RealDriver.describe(fit)
            .filter(info -> info.computeCapability() >= LEAST_CAPABILITY)
            .isPresent()) {
      fit++;
    }
    return fit;
  }

  /** Libraries that the backend needs and that cannot be loaded. */
  static List<String> missingLibraries() {
    LibrarySearch search = LibrarySearch.ofThisProcess();
    return LIBRARIES.stream()
        .filter(library -> !search.canLoad(library.sonames()))
        .map(library -> library.sonames().getFirst())
        .toList();
  }

  /** What the cards say of themselves; visible to CUDA or not. */
  static List<Finding> sensors(List<GpuReading> readings) {
    if (readings.isEmpty()) {
      return List.of(
          Finding.note(
              "Sensors",
              "no card can be read through libnvidia-ml.so.1",
              "Load, power, temperature and faults are not shown then. It comes with the driver (Debian: libnvidia-ml1)."));
    }
    return readings.stream()
        .map(
            one ->
                Finding.good(
                    "Sensors",
                    "%s GPU-%s, driver %s: %s busy, %s, %s"
                        .formatted(
                            one.name(),
                            one.uuid(),
                            one.driver(),
                            said(one.utilisation(), 100, " %"),
                            said(one.watts(), 1, " W"),
                            said(one.celsius(), 1, " °C"))))
        .toList();
  }

  private static String said(@Nullable Double value, double factor, String unit) {
    return value == null ? "not measured" : "%.0f%s".formatted(value * factor, unit);
  }

  private static Finding device(DeviceInfo info) {
    String detail =
        "cuda:%d %s, compute capability %d.%d, %,d MiB, driver for CUDA %d.%d, GPU-%s"
            .formatted(
                info.ordinal(),
                info.name(),
                info.computeCapability() / 10,
                info.computeCapability() % 10,
                info.totalBytes() >> 20,
                info.driverVersion() / 1000,
                info.driverVersion() % 1000 / 10,
                info.uuid());
    return info.computeCapability() >= LEAST_CAPABILITY
        ? Finding.good("GPU", detail)
        : Finding.note(
            "GPU", detail, "Kernels need compute capability 8.0 (Ampere) or newer; use the CPU.");
  }

  private static Finding library(LibrarySearch search, Library library) {
    String name = library.sonames().getFirst();
    if (search.canLoad(library.sonames())) {
      Optional<Path> file = search.find(library.sonames());
      return Finding.good(
          "Library",
          "%s for %s: %s"
              .formatted(
                  name,
                  library.purpose(),
                  file.map(Path::toString).orElse("on the loader's path")));
    }
    return Finding.bad(
        "Library",
        "%s for %s was not found in %s".formatted(name, library.purpose(), search.folders()),
        "Install %s, or name its folder in %s."
            .formatted(library.advice(), LibrarySearch.VARIABLE));
  }
}
