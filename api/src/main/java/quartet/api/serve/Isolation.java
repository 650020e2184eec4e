package quartet.api.serve;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.exec.CacheMode;
import quartet.tensor.Device;

/**
 * How the process of an isolated device is started: this JVM's program and options, another
 * command.
 *
 * @param sim what work costs on simulated devices, as given
 * @param faults folder for injected faults, or null for none
 * @param cache which nodes' results a device keeps
 */
public record Isolation(
    Path base,
    Path output,
    String sim,
    @Nullable Path faults,
    int maxResident,
    boolean writeMetadata,
    CacheMode cache) {
  /** The command line for one device. */
  List<String> command(int gpuId, Device device) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      if (!option.startsWith("-Xms") && !option.equals("-XX:+AlwaysPreTouch")) {
        command.add(option);
      }
    }
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            "quartet.api.Main",
            "gpu-worker",
            "--gpu=" + gpuId,
            "--device=" + device,
            "--base-directory=" + base,
            "--output-directory=" + output,
            "--max-resident=" + maxResident,
            "--sim=" + sim));
    if (faults != null) {
      command.add("--inject-faults=" + faults);
    }
    if (!writeMetadata) {
      command.add("--disable-metadata");
    }
    switch (cache) {
      case CacheMode.Classic() -> command.add("--cache-classic");
      case CacheMode.Lru(int results) -> command.add("--cache-lru=" + results);
      case CacheMode.None() -> command.add("--cache-none");
    }
    return command;
  }
}
