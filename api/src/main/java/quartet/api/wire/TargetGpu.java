package quartet.api.wire;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import quartet.engine.graph.PromptError;

/** The {@code X-TARGET-GPU} header: which device a request speaks of. */
public final class TargetGpu {
  /** Name of the header. */
  public static final String HEADER = "X-TARGET-GPU";

  private TargetGpu() {}

  /** Either a device's number (or none, meaning any), or an error. */
  public sealed interface Parsed {}

  /** No header, or an empty one. */
  public record Any() implements Parsed {}

  /** One device. */
  public record One(int gpuId) implements Parsed {}

  /** Not a number, or no such device. */
  public record Wrong(PromptError error) implements Parsed {}

  /** Reads the header's value against the devices that exist. */
  public static Parsed parse(Optional<String> header, List<Integer> gpus) {
    Optional<String> value = header.map(String::strip).filter(text -> !text.isEmpty());
    if (value.isEmpty()) {
      return new Any();
    }
    OptionalInt number = number(value.get());
    if (number.isPresent() && gpus.contains(number.getAsInt())) {
      return new One(number.getAsInt());
    }
    return new Wrong(
        new PromptError(
            "invalid_target_gpu",
            "%s names no device of this server".formatted(HEADER),
            "got '%s'; the devices are %s".formatted(value.get(), gpus)));
  }

  private static OptionalInt number(String text) {
    try {
      return OptionalInt.of(Integer.parseInt(text));
    } catch (NumberFormatException e) {
      return OptionalInt.empty();
    }
  }
}
