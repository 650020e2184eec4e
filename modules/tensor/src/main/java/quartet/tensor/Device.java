package quartet.tensor;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where tensors live and ops run, written {@code cpu:0}, {@code cuda:1}, {@code sim:2}.
 *
 * @param index counted from zero within its kind
 */
public record Device(Kind kind, int index) {
  private static final Pattern TEXT = Pattern.compile("(cpu|cuda|sim):(\\d{1,4})");

  /** What a device is. */
  public enum Kind {
    /** A virtual device on the host's cores. */
    CPU,
    /** An NVIDIA GPU. */
    CUDA,
    /** A device that only pretends to compute, by a cost model. */
    SIM
  }

  /** Checks the index. */
  public Device {
    if (index < 0) {
      throw new IllegalArgumentException("negative device index " + index);
    }
  }

  /** The n-th virtual CPU device. */
  public static Device cpu(int index) {
    return new Device(Kind.CPU, index);
  }

  /**
   * Reads the form that {@link #toString} writes.
   *
   * @throws IllegalArgumentException if the text is not of that form
   */
  public static Device parse(String text) {
    Matcher matcher = TEXT.matcher(text.strip().toLowerCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'" + text + "' names no device; write cpu:0, cuda:0 or sim:0");
    }
    return new Device(
        Kind.valueOf(matcher.group(1).toUpperCase(Locale.ROOT)),
        Integer.parseInt(matcher.group(2)));
  }

  @Override
  public String toString() {
    return kind.name().toLowerCase(Locale.ROOT) + ":" + index;
  }
}
