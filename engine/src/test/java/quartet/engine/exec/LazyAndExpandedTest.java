package quartet.engine.exec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import quartet.engine.fake.FakeNode;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.node.Subgraph;

/** Inputs that are made only when they are asked for, and nodes that put others in their place. */
class LazyAndExpandedTest {
  private static final Input.IntInput VALUE = Input.integer("value", 0, -1000, 1000, 1);
  private static final Input.BooleanInput FIRST = new Input.BooleanInput("first", true);
  private static final Input.SocketInput<Long> A = Input.socket("a", PortType.INT);
  private static final Input.SocketInput<Long> B = Input.socket("b", PortType.INT);

  private static final String SWITCHED =
      """
      {'1':{'class_type':'Number','inputs':{'value':1}},
       '2':{'class_type':'Number','inputs':{'value':2}},
       '3':{'class_type':'Switch','inputs':{'first':%s,'a':['1',0],'b':['2',0]}},
       '4':{'class_type':'Show','inputs':{'a':['3',0]}}}
      """;

  /** Hands one of its inputs on, and has only that one made. */
  private record Switch() implements Node {
    @Override
    public NodeSchema schema() {
      return NodeSchema.named("Switch")
          .required(FIRST)
          .optional(A, B)
          .lazy(A, B)
          .returns(PortType.INT)
          .build();
    }

    @Override
    public Set<String> needs(NodeInputs known) {
      return Set.of(known.get(FIRST) ? A.name() : B.name());
    }

    @Override
    public NodeResult run(NodeInputs inputs, NodeContext context) {
      return NodeResult.of(inputs.get(inputs.get(FIRST) ? A : B));
    }
  }

  private static final Node NUMBER =
      FakeNode.of(
          NodeSchema.named("Number").required(VALUE).returns(PortType.INT),
          (inputs, context) -> NodeResult.of(inputs.get(VALUE)));
  private static final Node ADD =
      FakeNode.of(
          NodeSchema.named("Add").required(A, B).returns(PortType.INT),
          (inputs, context) -> NodeResult.of(inputs.get(A) + inputs.get(B)));
  private static final Node SHOW =
      FakeNode.of(
          NodeSchema.named("Show").required(A).outputNode(),
          (inputs, context) -> {
            ObjectNode ui = JsonNodeFactory.instance.objectNode();
            ui.putArray("numbers").add(inputs.get(A));
            return NodeResult.shown(ui);
          });

  /** Twice its input, by an Add of its own that also shows the sum. */
  private static final Node TWICE =
      FakeNode.of(
          NodeSchema.named("Twice").required(A).returns(PortType.INT),
          (inputs, context) -> {
            Subgraph graph = new Subgraph();
            Subgraph.Part sum =
                graph.add("Add").set("a", number(graph, inputs)).set("b", number(graph, inputs));
            graph.add("Show").set("a", sum.out(0));
            return NodeResult.expanded(graph, sum.out(0));
          });

  /** Twice its input, twice, by nodes that expand themselves. */
  private static final Node FOUR_TIMES =
      FakeNode.of(
          NodeSchema.named("FourTimes").required(A).returns(PortType.INT),
          (inputs, context) -> {
            Subgraph graph = new Subgraph();
            Subgraph.Part once = graph.add("Twice").set("a", number(graph, inputs));
            return NodeResult.expanded(graph, graph.add("Twice").set("a", once.out(0)).out(0));
          });

  private static final Node CIRCLE =
      FakeNode.of(
          NodeSchema.named("Circle").required(A).returns(PortType.INT),
          (inputs, context) -> {
            Subgraph graph = new Subgraph();
            Subgraph.Part one = graph.add("Add");
            Subgraph.Part two = graph.add("Add").set("a", one.out(0)).set("b", one.out(0));
            one.set("a", two.out(0)).set("b", two.out(0));
            return NodeResult.expanded(graph, one.out(0));
          });

  private static final Node WRONG =
      FakeNode.of(
          NodeSchema.named("Wrong").required(A).returns(PortType.INT),
          (inputs, context) -> {
            Subgraph graph = new Subgraph();
            graph.add("Number").set("value", 5000);
            return NodeResult.expanded(graph, graph.add("Missing").out(0));
          });

  private static final Node NAMED =
      FakeNode.of(
          NodeSchema.named("Named")
              .required(VALUE)
              .hidden(NodeSchema.Hidden.UNIQUE_ID)
              .returns(PortType.INT),
          (inputs, context) -> NodeResult.of(inputs.get(VALUE)));

  private static final List<Node> NODES =
      List.of(NUMBER, ADD, SHOW, TWICE, FOUR_TIMES, CIRCLE, WRONG, NAMED, new Switch());

  private final GraphRun graph = new GraphRun(NODES);

  private static Subgraph.Out number(Subgraph graph, NodeInputs inputs) {
    return graph.add("Number").set("value", inputs.get(A)).out(0);
  }

  private static String one(String className) {
    return """
        {'1':{'class_type':'Number','inputs':{'value':3}},
         '2':{'class_type':'%s','inputs':{'a':['1',0]}},
         '3':{'class_type':'Show','inputs':{'a':['2',0]}}}
        """
        .formatted(className);
  }

  private ExecutionOutcome.Failed failing(String prompt) {
    return (ExecutionOutcome.Failed) graph.run(prompt);
  }

  @Test
  void only_the_lazy_input_that_is_asked_for_is_made() {
    ExecutionOutcome outcome = graph.run(SWITCHED.formatted("true"));
    assertThat(graph.started()).containsExactly("3", "1", "3", "4");
    assertThat(outcome.shown().get("4")).hasToString("{\"numbers\":[1]}");
    outcome = graph.run(SWITCHED.formatted("false"));
    assertThat(graph.started()).containsExactly("3", "2", "3", "4");
    assertThat(outcome.shown().get("4")).hasToString("{\"numbers\":[2]}");
  }

  @Test
  void a_lazy_input_that_somebody_else_made_is_there_at_once() {
    graph.run(
        SWITCHED.formatted("true").stripTrailing().replaceAll("}$", "")
            + ",'0':{'class_type':'Show','inputs':{'a':['1',0]}}}");
    assertThat(graph.started()).containsOnlyOnce("1").doesNotContain("2");
  }

  @Test
  void an_expansion_s_output_is_its_node_s_and_its_nodes_show_things_too() {
    ExecutionOutcome outcome = graph.run(one("Twice"));
    assertThat(outcome.shown().get("3")).hasToString("{\"numbers\":[6]}");
    assertThat(outcome.shown()).containsOnlyKeys("3", "2.0.0.4");
    assertThat(graph.started())
        .containsExactlyInAnyOrder("1", "2", "2.0.0.1", "2.0.0.2", "2.0.0.3", "2.0.0.4", "3")
        .startsWith("1", "2");
    graph.run(one("Twice"));
    assertThat(graph.started()).as("the whole node is cached").isEmpty();
  }

  @Test
  void expansions_expand() {
    ExecutionOutcome outcome = graph.run(one("FourTimes"));
    assertThat(outcome.shown().get("3")).hasToString("{\"numbers\":[12]}");
    assertThat(graph.started()).contains("2.0.0.3.0.0.3");
  }

  @Test
  void a_circle_in_an_expansion_is_found_and_blamed_on_its_node() {
    ExecutionOutcome.Failed failed = failing(one("Circle"));
    assertThat(failed.exceptionType()).isEqualTo("graph.DependencyCycleError");
    assertThat(failed.nodeId()).isEqualTo("2");
    assertThat(failed.nodeType()).isEqualTo("Circle");
    assertThat(failed.message()).contains("2.0.0.1").contains("2.0.0.2");
  }

  @Test
  void everything_that_is_wrong_with_an_expansion_is_said() {
    ExecutionOutcome.Failed failed = failing(one("Wrong"));
    assertThat(failed.exceptionType()).isEqualTo("BAD_EXPANSION");
    assertThat(failed.nodeId()).isEqualTo("2");
    assertThat(failed.message()).contains("5000").contains("'Missing'");
  }

  @Test
  void a_node_that_asks_for_its_id_shares_no_result_with_another() {
    String prompt =
        """
        {'%s':{'class_type':'Named','inputs':{'value':3}},
         '9':{'class_type':'Show','inputs':{'a':['%s',0]}}}
        """;
    graph.run(prompt.formatted("1", "1"));
    graph.run(prompt.formatted("1", "1"));
    assertThat(graph.started()).isEmpty();
    graph.run(prompt.formatted("2", "2"));
    assertThat(graph.started()).containsExactly("2", "9");
  }

  @Test
  void without_a_cache_everything_runs_each_time() {
    GraphRun forgetful = new GraphRun(NODES, new CacheMode.None());
    forgetful.run(one("Twice"));
    forgetful.run(one("Twice"));
    assertThat(forgetful.cached()).isEmpty();
    assertThat(forgetful.started()).contains("1", "2", "3");
  }

  @Test
  void an_lru_cache_keeps_what_was_used_last_over_prompts() {
    GraphRun keeping = new GraphRun(NODES, new CacheMode.Lru(5));
    String first = one("Twice");
    String other = first.replace("'value':3", "'value':4");
    keeping.run(first);
    keeping.run(one("Twice").replace("'1':", "'5':").replace("['1',0]", "['5',0]"));
    assertThat(keeping.started()).isEmpty();
    keeping.run(other);
    keeping.run(first);
    assertThat(keeping.cached()).as("one of six was pushed out").containsExactly("2", "3");
    assertThat(keeping.started()).isEmpty();
  }
}
