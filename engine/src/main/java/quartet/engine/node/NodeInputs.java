package quartet.engine.node;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The values of one node's inputs, already checked and converted. */
public final class NodeInputs {
  /** One value each; several for a node that takes whole lists. */
  private final Map<String, List<Object>> values;

  private NodeInputs(List<Map.Entry<String, List<Object>>> lists) {
    this.values =
        lists.stream()
            .collect(
                Collectors.toUnmodifiableMap(
                    Map.Entry::getKey, entry -> List.copyOf(entry.getValue())));
  }

  /** Wraps values by input name: Long, Double, String, Boolean, or what a socket carries. */
  public NodeInputs(Map<String, Object> values) {
    this.values =
        values.entrySet().stream()
            .collect(
                Collectors.toUnmodifiableMap(
                    Map.Entry::getKey, entry -> List.of(entry.getValue())));
  }

  /** Wraps whole lists by input name, for a node that is declared so. */
  public static NodeInputs ofLists(Map<String, List<Object>> lists) {
    return new NodeInputs(List.copyOf(lists.entrySet()));
  }

  /**
   * The value of an input; the first one of a list.
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
  public <T> Optional<T> find(Input<T> input) {
    return all(input).stream().findFirst();
  }

  /** All values of an input of a node that takes whole lists; empty if it is not connected. */
  @SuppressWarnings("unchecked") // each case casts to the type its Input promises
  public <T> List<T> all(Input<T> input) {
    List<Object> list = values.getOrDefault(input.name(), List.of());
    Class<?> wanted =
        switch (input) {
          case Input.IntInput ignored -> Long.class;
          case Input.FloatInput ignored -> Double.class;
          case Input.StringInput ignored -> String.class;
          case Input.ComboInput ignored -> String.class;
          case Input.RemoteImageInput ignored -> String.class;
          case Input.BooleanInput ignored -> Boolean.class;
          case Input.SocketInput<T> socket -> socket.type().javaType();
        };
    for (Object value : list) {
      if (!wanted.isInstance(value)) {
        throw new IllegalArgumentException(
            "input '%s' wants %s, got %s"
                .formatted(input.name(), input.typeName(), value.getClass().getSimpleName()));
      }
    }
    return (List<T>) list;
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
