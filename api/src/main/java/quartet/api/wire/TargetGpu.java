package quartet.api.wire;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import quartet.engine.graph.PromptError;

/** The {@code X-TARGET-GPU} header: which device a request speaks of. */
public final class TargetGpu {
  /** Name of the header. */
  public static final String HEADER = "X-TARGET-GPU";

  private TargetGpu() {}

  /** Either a device's number (or none, meaning any), or an error. */
  public sealed interface Parsed {}

  /** The same where only this server's devices can be meant. */
  public sealed interface Here extends Parsed {}

  /** No header, or an empty one. */
  public record Any() implements Here {}

  /** One device. */
  public record One(int gpuId) implements Here {}

  /** A device of another server of the cluster; written {@code b/1}. */
  public record Elsewhere(String node, int gpuId) implements Parsed {}

  /** Not a number, or no such device. */
  public record Wrong(PromptError error) implements Here {}

  /** Reads the header's value against the devices that exist. */
  public static Here parse(Optional<String> header, List<Integer> gpus) {
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

  /**
   * The same where other servers' devices can be named too, as in {@code b/1}.
   *
   * @param self this server's name in its cluster, or null if it is alone
   */
  public static Parsed parse(Optional<String> header, List<Integer> gpus, @Nullable String self) {
    String text = header.orElse("").strip();
    int slash = text.lastIndexOf('/');
    if (self == null || slash <= 0) {
      return parse(header, gpus);
    }
    String node = text.substring(0, slash);
    OptionalInt gpu = number(text.substring(slash + 1));
    return gpu.isPresent() && !node.equals(self)
        ? new Elsewhere(node, gpu.getAsInt())
        : parse(Optional.of(text.substring(slash + 1)), gpus);
  }

  private static OptionalInt number(String text) {
    try {
      return OptionalInt.of(Integer.parseInt(text));
    } catch (NumberFormatException e) {
      return OptionalInt.empty();
    }
  }
}
