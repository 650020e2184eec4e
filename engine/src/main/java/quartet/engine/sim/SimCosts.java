package quartet.engine.sim;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import quartet.errors.EngineException;

/**
 * What work costs on a simulated device.
 *
 * <p>The defaults are rounded figures of one NVIDIA H200 with SD1.5 at 512x512, fp16, CFG, steps
 * replayed as CUDA graphs: 10.0 ms a step for one image and 27.5 ms for four, so 4.2 ms and 5.8 ms
 * for each image; VAE decode 23 ms; weights at 3 GB/s from the disk. A picture of 512x512 is one
 * <em>image</em> here; others count by their pixels.
 *
 * @param stepBase of each step, whatever its size
 * @param stepPerImage of each step, for each image of 512x512
 * @param decodePerImage of the VAE, in both directions
 * @param encodeText of one text
 * @param save of each node that writes or sends pictures, beside what it really takes; no device
 *     does that
 * @param loadPerGigabyte bringing weights onto the device
 * @param loadBase the same, whatever their size
 * @param memoryBytes what the device has
 * @param memoryPerImage activations of one image of 512x512
 * @param speeds factor of each device, by its index; the last one holds for all others
 */
public record SimCosts(
    Duration stepBase,
    Duration stepPerImage,
    Duration decodePerImage,
    Duration encodeText,
    Duration save,
    Duration loadPerGigabyte,
    Duration loadBase,
    long memoryBytes,
    long memoryPerImage,
    List<Double> speeds) {
  private static final double LATENT_PIXELS_PER_IMAGE = 64.0 * 64.0;
  private static final long GIGABYTE = 1_000_000_000L;
  private static final Pattern DURATION = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,6})?)(us|ms|s)");

  /** For command lines. */
  public static final String HELP =
      "What work costs on simulated devices, for example step=40ms,load=2s,speed=1:1:0.5 (also:"
          + " image, decode, text, save, load-gb, memory-gb, image-mb).";

  /** An H200, roughly. */
  public static final SimCosts DEFAULT =
      new SimCosts(
          Duration.ofNanos(4_200_000),
          Duration.ofNanos(5_800_000),
          Duration.ofMillis(23),
          Duration.ofMillis(5),
          Duration.ZERO,
          Duration.ofMillis(330),
          Duration.ofMillis(50),
          141 * GIGABYTE,
          GIGABYTE / 2,
          List.of(1.0));

  /** Checks the factors. */
  public SimCosts {
    speeds = List.copyOf(speeds);
    if (speeds.isEmpty() || speeds.stream().anyMatch(speed -> !(speed > 0))) {
      throw new EngineException(
          SimError.BAD_COST_MODEL, "speeds of simulated devices must be above 0, got " + speeds);
    }
  }

  /**
   * The defaults with changes, as {@code step=40ms,load=2s,speed=1:1:0.5}.
   *
   * @param text comma-separated: {@code step} (base), {@code image} (per image and step), {@code
   *     decode}, {@code text}, {@code save}, {@code load} (base), {@code load-gb}, {@code
   *     memory-gb}, {@code image-mb}, {@code speed} (factors separated by colons)
   * @throws EngineException naming the part that is not understood
   */
  public static SimCosts parse(String text) {
    SimCosts costs = DEFAULT;
    for (String part : text.split(",", -1)) {
      int equals = part.indexOf('=');
      if (part.isBlank()) {
        continue;
      }
      if (equals < 0) {
        throw wrong(part, "write KEY=VALUE");
      }
      costs = costs.with(part.substring(0, equals).strip(), part.substring(equals + 1).strip());
    }
    return costs;
  }

  private SimCosts with(String key, String value) {
    SimCosts c = this;
    return switch (key) {
      case "step" -> c.steps(duration(value), stepPerImage);
      case "image" -> c.steps(stepBase, duration(value));
      case "decode" -> c.others(duration(value), encodeText, save);
      case "text" -> c.others(decodePerImage, duration(value), save);
      case "save" -> c.others(decodePerImage, encodeText, duration(value));
      case "load" -> c.loads(loadPerGigabyte, duration(value));
      case "load-gb" -> c.loads(duration(value), loadBase);
      case "memory-gb" -> c.memory((long) (number(value) * GIGABYTE), memoryPerImage);
      case "image-mb" -> c.memory(memoryBytes, (long) (number(value) * 1_000_000));
      case "speed" ->
          c.speeds(List.of(value.split(":", -1)).stream().map(factor -> number(factor)).toList());
      default ->
          throw wrong(
              key,
              "the keys are step, image, decode, text, save, load, load-gb, memory-gb, image-mb,"
                  + " speed");
    };
  }

  private SimCosts steps(Duration base, Duration perImage) {
    return new SimCosts(
        base,
        perImage,
        decodePerImage,
        encodeText,
        save,
        loadPerGigabyte,
        loadBase,
        memoryBytes,
        memoryPerImage,
        speeds);
  }

  private SimCosts others(Duration decode, Duration text, Duration perSave) {
    return new SimCosts(
        stepBase,
        stepPerImage,
        decode,
        text,
        perSave,
        loadPerGigabyte,
        loadBase,
        memoryBytes,
        memoryPerImage,
        speeds);
  }

  private SimCosts loads(Duration perGigabyte, Duration base) {
    return new SimCosts(
        stepBase,
        stepPerImage,
        decodePerImage,
        encodeText,
        save,
        perGigabyte,
        base,
        memoryBytes,
        memoryPerImage,
        speeds);
  }

  private SimCosts memory(long bytes, long perImage) {
    return new SimCosts(
        stepBase,
        stepPerImage,
        decodePerImage,
        encodeText,
        save,
        loadPerGigabyte,
        loadBase,
        bytes,
        perImage,
        speeds);
  }

  private SimCosts speeds(List<Double> factors) {
    return new SimCosts(
        stepBase,
        stepPerImage,
        decodePerImage,
        encodeText,
        save,
        loadPerGigabyte,
        loadBase,
        memoryBytes,
        memoryPerImage,
        factors);
  }

  private static Duration duration(String value) {
    Matcher matcher = DURATION.matcher(value.toLowerCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw wrong(value, "a time is written 500us, 40ms or 2s");
    }
    double nanos =
        switch (matcher.group(2)) {
          case "us" -> 1e3;
          case "ms" -> 1e6;
          default -> 1e9;
        };
    return Duration.ofNanos(Math.round(Double.parseDouble(matcher.group(1)) * nanos));
  }

  private static double number(String value) {
    try {
      return Double.parseDouble(value);
    } catch (NumberFormatException e) {
      throw wrong(value, "a number was expected");
    }
  }

  private static EngineException wrong(String part, String help) {
    return new EngineException(
        SimError.BAD_COST_MODEL, "--sim: '%s' is not understood; %s".formatted(part, help));
  }

  /** How many images of 512x512 a latent is. */
  public static double images(int batch, int latentHeight, int latentWidth) {
    return batch * (double) latentHeight * latentWidth / LATENT_PIXELS_PER_IMAGE;
  }

  /** One sampling step. */
  Duration step(double images) {
    return stepBase.plus(scaled(stepPerImage, images));
  }

  /** The VAE, once. */
  Duration decode(double images) {
    return scaled(decodePerImage, images);
  }

  /** Weights of that size onto the device. */
  Duration load(long bytes) {
    return loadBase.plus(scaled(loadPerGigabyte, bytes / (double) GIGABYTE));
  }

  /** Bytes of activations. */
  long activations(double images) {
    return (long) (memoryPerImage * images);
  }

  /** Factor by which a device is faster than these costs say. */
  public double speed(int index) {
    return speeds.get(Math.min(index, speeds.size() - 1));
  }

  private static Duration scaled(Duration one, double factor) {
    return Duration.ofNanos(Math.round(one.toNanos() * factor));
  }
}
