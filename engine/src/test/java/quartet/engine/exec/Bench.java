package quartet.engine.exec;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import quartet.engine.fake.FakeCatalog;
import quartet.engine.fake.FakeContext;
import quartet.engine.fake.FakeNode;
import quartet.engine.fake.Json;
import quartet.engine.files.Folders;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.graph.GraphValidator;
import quartet.engine.graph.Validation;
import quartet.engine.node.Input;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeRegistry;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.run.CancelToken;

/**
 * An executor over five fake nodes: {@code Number} (a value) → {@code Add} (in + value) → {@code
 * Show} (an output), {@code Save} (an output that needs no device), and {@code File} (a value with
 * a change stamp). It writes down what ran.
 */
final class Bench {
  static final Input.IntInput VALUE = Input.integer("value", 0, -1000, 1000, 1);
  static final Input.SocketInput<Long> IN = Input.socket("in", PortType.INT);

  static final String CHAIN =
      """
      {'1':{'class_type':'Number','inputs':{'value':1}},
       '2':{'class_type':'Add','inputs':{'in':['1',0],'value':10}},
       '3':{'class_type':'Add','inputs':{'in':['2',0],'value':100}},
       '4':{'class_type':'Show','inputs':{'in':['3',0]}}}
      """;

  final List<String> ran = new ArrayList<>();
  final List<ExecutionEvent> events = new ArrayList<>();
  final OutputCache cache = new OutputCache();
  final PromptExecutor executor = new PromptExecutor(cache);

  /** What replaces a class's work. */
  final Map<String, BiFunction<NodeInputs, NodeContext, NodeResult>> instead = new HashMap<>();

  Optional<String> fileStamp = Optional.of("old");
  CancelToken cancel = CancelToken.NEVER;
  final FakeContext context;
  private final NodeRegistry registry;

  Bench(Path base) {
    context = FakeContext.below(base);
    registry =
        FakeNode.registry(
            List.of(
                node(
                    NodeSchema.named("Number").required(VALUE).returns(PortType.INT),
                    (inputs, context) -> NodeResult.of(inputs.get(VALUE))),
                node(
                    NodeSchema.named("Add").required(IN, VALUE).returns(PortType.INT),
                    (inputs, context) -> NodeResult.of(inputs.get(IN) + inputs.get(VALUE))),
                node(
                    NodeSchema.named("Show").required(IN).outputNode(),
                    (inputs, context) ->
                        NodeResult.shown(
                            JsonNodeFactory.instance.objectNode().put("shows", inputs.get(IN)))),
                node(
                    NodeSchema.named("Save").required(IN).outputNode().hostOnly(),
                    (inputs, context) ->
                        NodeResult.shown(
                            JsonNodeFactory.instance.objectNode().put("saved", inputs.get(IN)))),
                new FakeNode(
                    NodeSchema.named("File").required(VALUE).returns(PortType.INT).build(),
                    (inputs, context) -> work("File", inputs, context, Bench::number),
                    inputs -> {
                      if (fileStamp.isEmpty()) {
                        throw new IllegalStateException("the file is gone");
                      }
                      return fileStamp;
                    })));
  }

  private static NodeResult number(NodeInputs inputs, NodeContext context) {
    return NodeResult.of(inputs.get(VALUE));
  }

  private FakeNode node(
      NodeSchema.Builder schema, BiFunction<NodeInputs, NodeContext, NodeResult> work) {
    String name = schema.build().className();
    return FakeNode.of(schema, (inputs, context) -> work(name, inputs, context, work));
  }

  private NodeResult work(
      String name,
      NodeInputs inputs,
      NodeContext context,
      BiFunction<NodeInputs, NodeContext, NodeResult> usual) {
    ran.add(name);
    return instead.getOrDefault(name, usual).apply(inputs, context);
  }

  ExecutionPlan plan(String prompt) {
    return switch (new GraphValidator(registry, FakeCatalog.small())
        .validate(Json.object(prompt), null)) {
      case Validation.Ready ready -> ready.plan();
      case Validation.Invalid invalid -> throw new AssertionError(invalid.toString());
    };
  }

  /** Runs a prompt; {@link #ran} and {@link #events} begin anew. */
  ExecutionOutcome run(String prompt) {
    ran.clear();
    events.clear();
    Folders files = context.folders();
    return executor.execute(plan(prompt), files, cancel, id -> context, events::add);
  }

  /** Runs a prompt that must fail. */
  ExecutionOutcome.Failed failing(String prompt) {
    return (ExecutionOutcome.Failed) run(prompt);
  }

  List<String> cached() {
    return ((ExecutionEvent.Cached) events.getFirst()).nodeIds();
  }

  List<String> started() {
    return events.stream()
        .filter(ExecutionEvent.NodeStarted.class::isInstance)
        .map(event -> ((ExecutionEvent.NodeStarted) event).nodeId())
        .toList();
  }
}
