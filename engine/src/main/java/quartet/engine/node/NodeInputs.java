package quartet.engine.node;

import java.util.Map;
import java.util.Optional;

/** The values of one node's inputs, already checked and converted. */
public final class NodeInputs {
  private final Map<String, Object> values;

  /** Wraps values by input name: Long, Double, String, Boolean, or what a socket carries. */
  public NodeInputs(Map<String, Object> values) {
    this.values = Map.copyOf(values);
  }

  /**
   * The value of an input.
   *
   * @throws IllegalArgumentException if it is not there or of another type: a constant was given to
   *     a socket, say
   */
  public <T> T get(Input<T> input) {
    return find(input)
        .orElseThrow(
            () -> new IllegalArgumentException("input '" + input.name() + "' has no value"));
  }

  /** The value of an optional input. */
  @SuppressWarnings("unchecked") // each case casts to the type its Input promises
  public <T> Optional<T> find(Input<T> input) {
    Object value = values.get(input.name());
    if (value == null) {
      return Optional.empty();
    }
    Class<?> wanted =
        switch (input) {
          case Input.IntInput ignored -> Long.class;
          case Input.FloatInput ignored -> Double.class;
          case Input.StringInput ignored -> String.class;
          case Input.ComboInput ignored -> String.class;
          case Input.BooleanInput ignored -> Boolean.class;
          case Input.SocketInput<T> socket -> socket.type().javaType();
        };
    if (!wanted.isInstance(value)) {
      throw new IllegalArgumentException(
          "input '%s' wants %s, got %s"
              .formatted(input.name(), input.typeName(), value.getClass().getSimpleName()));
    }
    return Optional.of((T) value);
  }

  /** A whole number that fits an int. */
  public int getInt(Input.IntInput input) {
    return Math.toIntExact(get(input));
  }

  /** Whether a value is there under that name. */
  public boolean has(String name) {
    return values.containsKey(name);
  }
}
