package quartet.api.doctor;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import quartet.engine.files.Folders;
import quartet.errors.EngineException;
import quartet.safetensors.SafetensorsFile;

/**
 * Looks at Java, devices, the port, folders, disk, memory and models.
 *
 * @param base the base directory
 * @param environment of the process
 */
public record MachineChecks(Path base, int port, Map<String, String> environment, GpuProbe gpus) {
  private static final int JAVA = 25;
  private static final long GIB = 1L << 30;

  /** Below this a day of pictures may not fit. */
  private static final long LEAST_DISK = 10 * GIB;

  /** One SD1.5 checkpoint prepared for the CPU, activations and heap. */
  private static final long LEAST_RAM = 4 * GIB;

  /** All of them, in the order an operator would look. */
  public List<Finding> run() {
    List<Finding> findings = new ArrayList<>();
    findings.add(java(Runtime.version()));
    findings.addAll(gpus.findings());
    findings.add(devices());
    findings.add(freePort());
    Folders folders = Folders.below(base);
    findings.add(writable("Output folder", folders.output()));
    findings.add(writable("Journal folder", base.resolve("data")));
    findings.add(disk());
    memory().ifPresent(findings::add);
    findings.addAll(models(base.resolve("models").resolve("checkpoints")));
    return findings;
  }

  static Finding java(Runtime.Version version) {
    return version.feature() == JAVA
        ? Finding.good("Java", version.toString())
        : Finding.bad(
            "Java", version + " runs this", "Install a JDK 25 and set QUARTET_JAVA_HOME to it.");
  }

  private Finding devices() {
    String wanted = environment.get("COMFY_NUM_GPUS");
    int there = gpus.count();
    String visible = environment.getOrDefault("CUDA_VISIBLE_DEVICES", "not set");
    if (wanted == null || wanted.isBlank()) {
      return Finding.good(
          "Devices",
          "%d GPUs usable; COMFY_NUM_GPUS is not set, CUDA_VISIBLE_DEVICES is %s"
              .formatted(there, visible));
    }
    int count;
    try {
      count = Integer.parseInt(wanted.strip());
    } catch (NumberFormatException e) {
      return Finding.bad(
          "Devices",
          "COMFY_NUM_GPUS is '%s'".formatted(wanted),
          "Set it to the number of GPUs, for example 4.");
    }
    if (there == 0) {
      return Finding.note(
          "Devices",
          "COMFY_NUM_GPUS=%d, but no GPU is usable: %d virtual CPU devices would be made"
              .formatted(count, count),
          "Expected on a machine without GPUs; otherwise mend the driver first.");
    }
    return count <= there
        ? Finding.good("Devices", "COMFY_NUM_GPUS=%d of %d usable GPUs".formatted(count, there))
        : Finding.bad(
            "Devices",
            "COMFY_NUM_GPUS=%d, but only %d GPUs are usable (CUDA_VISIBLE_DEVICES is %s)"
                .formatted(count, there, visible),
            "Set COMFY_NUM_GPUS=%d, or correct CUDA_VISIBLE_DEVICES.".formatted(there));
  }

  private Finding freePort() {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return Finding.good("Port", port + " is free");
    } catch (IOException e) {
      return Finding.note(
          "Port",
          "%d is in use (%s)".formatted(port, e.getMessage()),
          "Fine if that is this server; otherwise start with another --port.");
    }
  }

  private static Finding writable(String subject, Path folder) {
    Path there = folder;
    while (!Files.exists(there) && there.getParent() != null) {
      there = there.getParent();
    }
    return Files.isDirectory(there) && Files.isWritable(there)
        ? Finding.good(subject, folder + (there.equals(folder) ? "" : " can be made"))
        : Finding.bad(
            subject,
            "%s cannot be written to (%s)".formatted(folder, there),
            "Give the user that runs Quartet the right to write there, or choose another --base-directory.");
  }

  private Finding disk() {
    Path there = base.toAbsolutePath();
    while (!Files.exists(there) && there.getParent() != null) {
      there = there.getParent();
    }
    try {
      long free = Files.getFileStore(there).getUsableSpace();
      String detail = "%.1f GiB free at %s".formatted((double) free / GIB, base);
      return free >= LEAST_DISK
          ? Finding.good("Disk", detail)
          : Finding.note("Disk", detail, "Make room: pictures and the journal grow there.");
    } catch (IOException e) {
      return Finding.bad(
          "Disk", "%s: %s".formatted(base, e.getMessage()), "Check the file system.");
    }
  }

  private static java.util.Optional<Finding> memory() {
    Path information = Path.of("/proc/meminfo");
    try (Stream<String> lines = Files.lines(information)) {
      return lines
          .filter(line -> line.startsWith("MemAvailable:"))
          .findFirst()
          .map(line -> ram(Long.parseLong(line.replaceAll("\\D", "")) * 1024));
    } catch (IOException e) {
      // Not a Linux, or /proc is hidden: then there is nothing to say.
      return java.util.Optional.empty();
    }
  }

  static Finding ram(long available) {
    String detail = "%.1f GiB available".formatted((double) available / GIB);
    return available >= LEAST_RAM
        ? Finding.good("Memory", detail)
        : Finding.note(
            "Memory", detail, "A checkpoint and its work want 4 GiB; stop something or add RAM.");
  }

  static List<Finding> models(Path folder) {
    List<Path> files = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (Stream<Path> all = Files.walk(folder)) {
        all.filter(file -> file.toString().endsWith(".safetensors")).sorted().forEach(files::add);
      } catch (IOException | java.io.UncheckedIOException e) {
        return List.of(
            Finding.bad("Models", "%s: %s".formatted(folder, e), "Check the folder's rights."));
      }
    }
    if (files.isEmpty()) {
      return List.of(
          Finding.bad(
              "Models",
              "no checkpoint in " + folder,
              "Put .safetensors files there, or name their folders in extra_model_paths.yaml."));
    }
    List<Finding> findings = new ArrayList<>();
    for (Path file : files) {
      String broken = broken(file);
      if (broken != null) {
        findings.add(
            Finding.bad("Model", broken, "Download it again, or take it out of the folder."));
      }
    }
    findings.addFirst(
        Finding.good(
            "Models",
            "%d of %d checkpoints in %s can be read"
                .formatted(files.size() - findings.size(), files.size(), folder)));
    return findings;
  }

  private static @Nullable String broken(Path file) {
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      return opened.names().isEmpty() ? file + " holds no tensors" : null;
    } catch (EngineException e) {
      return e.getMessage();
    }
  }
}
