package quartet.engine.node;

import java.math.BigInteger;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One declared input of a node; also the key under which {@link NodeInputs} hands out its value. A
 * node declares its inputs once as constants, so name, type, default and range stand in one place.
 *
 * @param <T> Java type of the value
 */
public sealed interface Input<T> {
  /** The name in the workflow's JSON. */
  String name();

  /** The type's name on the wire. A combo's is {@code COMBO}. */
  String typeName();

  /**
   * A whole number in {@code min..max}. Seeds reach 2^64-1: the value is the low 64 bits, to be
   * read as unsigned where {@code max} says so.
   *
   * @param controlAfterGenerate the front end offers to change it after each run
   * @param display how the front end shows it ({@code slider}, {@code color}), or null
   */
  record IntInput(
      String name,
      BigInteger defaultValue,
      BigInteger min,
      BigInteger max,
      long step,
      boolean controlAfterGenerate,
      @Nullable String display)
      implements Input<Long> {
    /** The largest seed. */
    public static final BigInteger MAX_UNSIGNED = BigInteger.TWO.pow(64).subtract(BigInteger.ONE);

    @Override
    public String typeName() {
      return PortType.INT.name();
    }
  }

  /**
   * A fraction in {@code min..max}.
   *
   * @param round the front end rounds to multiples of this, or null for its own choice; NaN for
   *     none
   */
  record FloatInput(
      String name, double defaultValue, double min, double max, double step, @Nullable Double round)
      implements Input<Double> {
    @Override
    public String typeName() {
      return PortType.FLOAT.name();
    }
  }

  /**
   * Text.
   *
   * @param dynamicPrompts the front end expands {@code {a|b}} before it submits
   */
  record StringInput(String name, String defaultValue, boolean multiline, boolean dynamicPrompts)
      implements Input<String> {
    @Override
    public String typeName() {
      return PortType.STRING.name();
    }
  }

  /** Yes or no. */
  record BooleanInput(String name, boolean defaultValue) implements Input<Boolean> {
    @Override
    public String typeName() {
      return PortType.BOOLEAN.name();
    }
  }

  /**
   * One of several texts.
   *
   * @param choices the options, which may depend on the files that are there
   * @param defaultValue or null for the first
   * @param imageUpload the front end offers to upload an image
   * @param listed the options stand in place of the type, as with all but newer nodes
   */
  record ComboInput(
      String name,
      Choices choices,
      @Nullable String defaultValue,
      boolean imageUpload,
      boolean listed)
      implements Input<String> {
    @Override
    public String typeName() {
      return "COMBO";
    }
  }

  /**
   * The name of a picture that the front end asks the server for, again whenever somebody wants.
   *
   * @param folder whose pictures are offered; uploads go there too
   */
  record RemoteImageInput(String name, String folder) implements Input<String> {
    @Override
    public String typeName() {
      return "COMBO";
    }

    /** Where the front end asks. */
    String route() {
      return "/internal/files/" + folder;
    }
  }

  /** A value that only another node can make. */
  record SocketInput<T>(String name, PortType<T> type) implements Input<T> {
    @Override
    public String typeName() {
      return type.name();
    }
  }

  /** Where a combo's options come from. */
  @FunctionalInterface
  interface Choices {
    /** The options now, in the order of the menu. */
    List<String> in(Catalog catalog);
  }

  /** A whole number. */
  static IntInput integer(String name, long defaultValue, long min, long max, long step) {
    return new IntInput(
        name,
        BigInteger.valueOf(defaultValue),
        BigInteger.valueOf(min),
        BigInteger.valueOf(max),
        step,
        false,
        null);
  }

  /** A seed: unsigned 64 bits, changed by the front end after each run. */
  static IntInput seed(String name) {
    return new IntInput(
        name, BigInteger.ZERO, BigInteger.ZERO, IntInput.MAX_UNSIGNED, 1, true, null);
  }

  /** A fraction. */
  static FloatInput fraction(
      String name, double defaultValue, double min, double max, double step) {
    return new FloatInput(name, defaultValue, min, max, step, null);
  }

  /** A line of text. */
  static StringInput text(String name, String defaultValue) {
    return new StringInput(name, defaultValue, false, false);
  }

  /** A fixed choice; the first option is the default. */
  static ComboInput choice(String name, String... options) {
    List<String> fixed = List.of(options);
    return new ComboInput(name, catalog -> fixed, null, false, true);
  }

  /** A choice whose options are looked up. */
  static ComboInput choice(String name, Choices choices) {
    return new ComboInput(name, choices, null, false, true);
  }

  /** A fixed choice in the form of newer nodes. */
  static ComboInput options(String name, String... options) {
    List<String> fixed = List.of(options);
    return new ComboInput(name, catalog -> fixed, null, false, false);
  }

  /** A looked-up choice in the form of newer nodes. */
  static ComboInput options(String name, Choices choices) {
    return new ComboInput(name, choices, null, false, false);
  }

  /** Several lines of text, in which the front end expands {@code {a|b}}. */
  static StringInput prompt(String name) {
    return new StringInput(name, "", true, true);
  }

  /** Yes or no. */
  static BooleanInput flag(String name, boolean defaultValue) {
    return new BooleanInput(name, defaultValue);
  }

  /** A socket. */
  static <T> SocketInput<T> socket(String name, PortType<T> type) {
    return new SocketInput<>(name, type);
  }
}
