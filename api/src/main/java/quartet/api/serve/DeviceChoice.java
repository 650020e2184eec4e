package quartet.api.serve;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import quartet.errors.EngineException;
import quartet.tensor.Device;

/**
 * Which devices a process works with, from {@code --devices} and the operators' environment. Pure.
 *
 * @param devices in the order of their GPU numbers
 * @param multi whether the multi-GPU lines stand in the log
 * @param note something the operator should know, or null
 */
public record DeviceChoice(List<Device> devices, boolean multi, @Nullable String note) {
  private static final Pattern COUNTED = Pattern.compile("(cpu|sim):(\\d{1,3})");
  private static final Pattern LISTED = Pattern.compile("cuda:(\\d{1,3}(?:,\\d{1,3})*)");
  private static final int MAX_DEVICES = 64;

  /** Copies the list. */
  public DeviceChoice {
    devices = List.copyOf(devices);
  }

  /**
   * The operators' environment variables, as given or null.
   *
   * @param multiGpu COMFY_MULTI_GPU_SCHED
   * @param numGpus COMFY_NUM_GPUS
   */
  public record Environment(@Nullable String multiGpu, @Nullable String numGpus) {}

  /**
   * Decides.
   *
   * @param option {@code auto}, {@code cpu:4}, {@code cuda:0,1} or {@code sim:4}
   * @param cudaDevices GPUs that can be used
   * @param allowFewer go on with those that exist
   * @throws EngineException if more devices are wanted than exist, or the option is not understood
   */
  public static DeviceChoice of(
      String option, Environment environment, int cudaDevices, boolean allowFewer) {
    Integer wanted = wantedCount(environment.numGpus());
    boolean multi = !"0".equals(environment.multiGpu());
    String note = null;
    List<Device> there;
    if (option.equals("auto")) {
      boolean cuda = cudaDevices > 0;
      int count = cuda ? cudaDevices : wanted == null ? 1 : wanted;
      there = numbered(cuda ? Device.Kind.CUDA : Device.Kind.CPU, count);
      if (!cuda) {
        note = "No usable GPU found: running on the CPU (%s)".formatted(there);
      }
    } else {
      there = listed(option);
    }
    if (!multi) {
      return new DeviceChoice(there.subList(0, 1), false, note);
    }
    if (wanted != null && wanted > there.size()) {
      String shortage =
          "COMFY_NUM_GPUS asks for %d devices, but there are only %d: %s"
              .formatted(wanted, there.size(), there);
      if (!allowFewer) {
        throw new EngineException(
            ServeError.TOO_FEW_DEVICES,
            shortage
                + ". Set COMFY_NUM_GPUS=%d, or start with --allow-fewer-devices"
                    .formatted(there.size()));
      }
      note = shortage + ". Going on with those";
    }
    List<Device> used = wanted == null || wanted > there.size() ? there : there.subList(0, wanted);
    return new DeviceChoice(used, environment.multiGpu() != null || used.size() > 1, note);
  }

  private static @Nullable Integer wantedCount(@Nullable String text) {
    if (text == null || text.isBlank()) {
      return null;
    }
    try {
      int count = Integer.parseInt(text.strip());
      if (count >= 1 && count <= MAX_DEVICES) {
        return count;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new EngineException(
        ServeError.BAD_OPTION,
        "COMFY_NUM_GPUS is '%s'; it must be a number from 1 to %d".formatted(text, MAX_DEVICES));
  }

  private static List<Device> listed(String option) {
    String text = option.toLowerCase(Locale.ROOT);
    Matcher counted = COUNTED.matcher(text);
    if (counted.matches()) {
      int count = Integer.parseInt(counted.group(2));
      if (count >= 1 && count <= MAX_DEVICES) {
        return numbered(Device.Kind.valueOf(counted.group(1).toUpperCase(Locale.ROOT)), count);
      }
    }
    Matcher list = LISTED.matcher(text);
    if (list.matches()) {
      List<Device> devices = new ArrayList<>();
      for (String index : list.group(1).split(",", -1)) {
        devices.add(new Device(Device.Kind.CUDA, Integer.parseInt(index)));
      }
      return devices;
    }
    throw new EngineException(
        ServeError.BAD_OPTION,
        "--devices is '%s'; write auto, cpu:4 (four virtual devices) or cuda:0,1"
            .formatted(option));
  }

  private static List<Device> numbered(Device.Kind kind, int count) {
    List<Device> devices = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      devices.add(new Device(kind, i));
    }
    return devices;
  }
}
