package quartet.engine.node;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Everything the outside knows of a node class.
 *
 * @param className {@code class_type} in a workflow
 * @param displayName title in the front end's menu
 * @param category path in the menu, separated by {@code /}
 * @param module where the front end says it comes from: {@code nodes} or {@code
 *     custom_nodes.<pack>}
 * @param output running a prompt means running its output nodes
 * @param form how it is shown
 * @param hidden values the server fills in, which only {@code /object_info} mentions
 * @param lazy names of inputs whose upstream nodes run only when {@link Node#needs} asks for them
 * @param takesLists the node is called once with whole lists instead of once per element
 * @param hostOnly the node works on host values alone and puts no other nodes in its place: when
 *     nothing else is left of a prompt, it runs on another thread while the device does the next
 */
public record NodeSchema(
    String className,
    String displayName,
    String category,
    String description,
    String module,
    boolean output,
    List<Input<?>> required,
    List<Input<?>> optional,
    List<Hidden> hidden,
    List<Output> outputs,
    Form form,
    boolean deprecated,
    boolean experimental,
    Set<String> lazy,
    boolean takesLists,
    boolean hostOnly) {

  /** How {@code /object_info} shows a node; clients know both. */
  public enum Form {
    /** As nodes have been shown from the beginning. */
    CLASSIC,
    /** As nodes written against the newer interface are shown. */
    NEWER
  }

  /** Values the server fills in. */
  public enum Hidden {
    /** The prompt as it was submitted. */
    PROMPT("prompt", "PROMPT"),
    /** What goes into the PNG beside the prompt. */
    EXTRA_PNGINFO("extra_pnginfo", "EXTRA_PNGINFO"),
    /** The node's id: results are not shared between nodes of different ids. */
    UNIQUE_ID("unique_id", "UNIQUE_ID");

    private final String inputName;
    private final String typeName;

    Hidden(String inputName, String typeName) {
      this.inputName = inputName;
      this.typeName = typeName;
    }

    /** Name of the hidden input. */
    public String inputName() {
      return inputName;
    }

    /** Its type's name. */
    public String typeName() {
      return typeName;
    }
  }

  /**
   * One output slot.
   *
   * @param isList the node returns a {@code List}, whose elements go to the next nodes one by one
   */
  public record Output(PortType<?> type, String name, boolean isList) {}

  /** Copies the lists. */
  public NodeSchema {
    required = List.copyOf(required);
    optional = List.copyOf(optional);
    hidden = List.copyOf(hidden);
    outputs = List.copyOf(outputs);
    lazy = Set.copyOf(lazy);
    if (hostOnly && !lazy.isEmpty()) {
      throw new IllegalArgumentException(
          className + " is host-only, and what its lazy inputs " + lazy + " need may be a device");
    }
  }

  /** Starts a schema; the display name is the class name until said otherwise. */
  public static Builder named(String className) {
    return new Builder(className);
  }

  /** Required, then optional inputs. */
  public Stream<Input<?>> inputs() {
    return Stream.concat(required.stream(), optional.stream());
  }

  /** A declared input by name. */
  public Optional<Input<?>> input(String name) {
    return inputs().filter(input -> input.name().equals(name)).findFirst();
  }

  /** The same schema as seen from another module. */
  public NodeSchema inModule(String other) {
    return new NodeSchema(
        className,
        displayName,
        category,
        description,
        other,
        output,
        required,
        optional,
        hidden,
        outputs,
        form,
        deprecated,
        experimental,
        lazy,
        takesLists,
        hostOnly);
  }

  /** Collects a schema; every method returns the builder. */
  public static final class Builder {
    private final String className;
    private String displayName;
    private String category = "sd";
    private String description = "";
    private String module = "nodes";
    private Form form = Form.CLASSIC;
    private boolean deprecated;
    private boolean experimental;
    private boolean output;
    private List<Input<?>> required = List.of();
    private List<Input<?>> optional = List.of();
    private List<Hidden> hidden = List.of();
    private final List<Output> outputs = new ArrayList<>();
    private Set<String> lazy = Set.of();
    private boolean takesLists;
    private boolean hostOnly;

    private Builder(String className) {
      this.className = className;
      this.displayName = className;
    }

    /** Title in the menu. */
    public Builder display(String name) {
      displayName = name;
      return this;
    }

    /** Path in the menu. */
    public Builder category(String path) {
      category = path;
      return this;
    }

    /** What it does, in a sentence. */
    public Builder description(String text) {
      description = text;
      return this;
    }

    /** The module that the front end is told, for nodes that are no core nodes there. */
    public Builder extra(String name) {
      module = "comfy_extras." + name;
      return this;
    }

    /** Shown in the newer form. */
    public Builder newer() {
      form = Form.NEWER;
      return this;
    }

    /** Marks the node as one that should not be used any more. */
    public Builder deprecated() {
      deprecated = true;
      return this;
    }

    /** Marks the node as one that may change. */
    public Builder experimental() {
      experimental = true;
      return this;
    }

    /** Inputs that must be given, in the order of the widgets. */
    public Builder required(Input<?>... inputs) {
      required = List.of(inputs);
      return this;
    }

    /** Inputs that may be left out. */
    public Builder optional(Input<?>... inputs) {
      optional = List.of(inputs);
      return this;
    }

    /** Values the server fills in. */
    public Builder hidden(Hidden... values) {
      hidden = List.of(values);
      return this;
    }

    /** One more output slot, named like its type. */
    public Builder returns(PortType<?> type) {
      return returns(type, type.name());
    }

    /** One more output slot. */
    public Builder returns(PortType<?> type, String name) {
      outputs.add(new Output(type, name, false));
      return this;
    }

    /** One more output slot that is a list: the nodes after it run once per element. */
    public Builder returnsList(PortType<?> type, String name) {
      outputs.add(new Output(type, name, true));
      return this;
    }

    /** Inputs whose upstream nodes run only when {@link Node#needs} asks for them. */
    public Builder lazy(Input<?>... inputs) {
      lazy = Stream.of(inputs).map(Input::name).collect(Collectors.toUnmodifiableSet());
      return this;
    }

    /** The node wants whole lists, with {@link NodeInputs#all}, instead of one call per element. */
    public Builder takesLists() {
      takesLists = true;
      return this;
    }

    /**
     * Promises that the node needs neither device nor models, and no other nodes in its place; one
     * that asks for them all the same fails.
     */
    public Builder hostOnly() {
      hostOnly = true;
      return this;
    }

    /** Marks the node as one whose result the user wants. */
    public Builder outputNode() {
      output = true;
      return this;
    }

    /** The finished schema. */
    public NodeSchema build() {
      return new NodeSchema(
          className,
          displayName,
          category,
          description,
          module,
          output,
          required,
          optional,
          hidden,
          outputs,
          form,
          deprecated,
          experimental,
          lazy,
          takesLists,
          hostOnly);
    }
  }
}
