package quartet.engine.exec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import quartet.engine.fake.FakeNode;
import quartet.engine.node.Blocked;
import quartet.engine.node.ClientMessage;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;

/** Lists between nodes, and outputs that are blocked. */
class ListsTest {
  private static final Input.IntInput COUNT = Input.integer("count", 3, 0, 1000, 1);
  private static final Input.SocketInput<Long> A = Input.socket("a", PortType.INT);
  private static final Input.SocketInput<Long> B = Input.socket("b", PortType.INT);

  private final List<String> calls = new ArrayList<>();
  private final GraphRun graph =
      new GraphRun(
          List.of(
              counter(),
              adder(),
              summer(),
              shower(),
              blocker("Silent", null),
              blocker("Loud", "no")));

  /** 0, 1, … as a list. */
  private static Node counter() {
    return FakeNode.of(
        NodeSchema.named("Count").required(COUNT).returnsList(PortType.INT, "numbers"),
        (inputs, context) ->
            NodeResult.of(LongStream.range(0, inputs.get(COUNT)).boxed().toList()));
  }

  private Node adder() {
    return FakeNode.of(
        NodeSchema.named("Add").required(A, B).returns(PortType.INT),
        (inputs, context) -> {
          calls.add(inputs.get(A) + "+" + inputs.get(B));
          return NodeResult.of(inputs.get(A) + inputs.get(B));
        });
  }

  private Node summer() {
    return FakeNode.of(
        NodeSchema.named("Sum").required(A).takesLists().returns(PortType.INT),
        (inputs, context) -> {
          calls.add("sum" + inputs.all(A));
          return NodeResult.of(inputs.all(A).stream().mapToLong(Long::longValue).sum());
        });
  }

  private static Node shower() {
    return FakeNode.of(
        NodeSchema.named("Show").required(A).outputNode(),
        (inputs, context) -> {
          ObjectNode ui = JsonNodeFactory.instance.objectNode();
          ui.putArray("numbers").add(inputs.get(A));
          return NodeResult.shown(ui);
        });
  }

  /** Blocks even numbers. */
  private static Node blocker(String name, @Nullable String why) {
    return FakeNode.of(
        NodeSchema.named(name).required(A).returns(PortType.INT),
        (inputs, context) ->
            NodeResult.of(inputs.get(A) % 2 == 0 ? new Blocked(why) : inputs.get(A)));
  }

  private String shown(ExecutionOutcome outcome, String id) {
    assertThat(outcome).isInstanceOf(ExecutionOutcome.Succeeded.class);
    return String.valueOf(outcome.shown().get(id));
  }

  @Test
  void a_node_runs_once_per_element_and_shorter_lists_repeat_their_last() {
    ExecutionOutcome outcome =
        graph.run(
            """
            {'1':{'class_type':'Count','inputs':{'count':4}},
             '2':{'class_type':'Count','inputs':{'count':2}},
             '3':{'class_type':'Add','inputs':{'a':['1',0],'b':['2',0]}},
             '4':{'class_type':'Show','inputs':{'a':['3',0]}}}
            """);
    assertThat(calls).containsExactly("0+0", "1+1", "2+1", "3+1");
    assertThat(shown(outcome, "4")).isEqualTo("{\"numbers\":[0,2,3,4]}");
  }

  @Test
  void a_node_that_takes_lists_runs_once_with_all() {
    ExecutionOutcome outcome =
        graph.run(
            """
            {'1':{'class_type':'Count','inputs':{'count':4}},
             '2':{'class_type':'Sum','inputs':{'a':['1',0]}},
             '3':{'class_type':'Show','inputs':{'a':['2',0]}}}
            """);
    assertThat(calls).containsExactly("sum[0, 1, 2, 3]");
    assertThat(shown(outcome, "3")).isEqualTo("{\"numbers\":[6]}");
  }

  @Test
  void an_empty_list_means_no_call() {
    ExecutionOutcome outcome =
        graph.run(
            """
            {'1':{'class_type':'Count','inputs':{'count':0}},
             '2':{'class_type':'Show','inputs':{'a':['1',0]}},
             '3':{'class_type':'Sum','inputs':{'a':['1',0]}},
             '4':{'class_type':'Show','inputs':{'a':['3',0]}}}
            """);
    assertThat(outcome.shown()).containsOnlyKeys("4");
    assertThat(shown(outcome, "4")).isEqualTo("{\"numbers\":[0]}");
  }

  @Test
  void a_list_that_is_cached_is_the_same_list() {
    String prompt =
        """
        {'1':{'class_type':'Count','inputs':{'count':3}},
         '2':{'class_type':'Sum','inputs':{'a':['1',0]}},
         '3':{'class_type':'Show','inputs':{'a':['2',0]}}%s}
        """;
    graph.run(prompt.formatted(""));
    ExecutionOutcome outcome =
        graph.run(prompt.formatted(",'4':{'class_type':'Show','inputs':{'a':['1',0]}}"));
    assertThat(graph.cached()).containsExactlyInAnyOrder("1", "2", "3");
    assertThat(shown(outcome, "4")).isEqualTo("{\"numbers\":[0,1,2]}");
  }

  @Test
  void what_is_blocked_does_not_run_and_the_rest_does() {
    ExecutionOutcome outcome =
        graph.run(
            """
            {'1':{'class_type':'Count','inputs':{'count':4}},
             '2':{'class_type':'Silent','inputs':{'a':['1',0]}},
             '3':{'class_type':'Add','inputs':{'a':['2',0],'b':['1',0]}},
             '4':{'class_type':'Show','inputs':{'a':['3',0]}}}
            """);
    assertThat(calls).containsExactly("1+1", "3+3");
    assertThat(shown(outcome, "4")).isEqualTo("{\"numbers\":[2,6]}");
    assertThat(graph.events).noneMatch(ExecutionEvent.Message.class::isInstance);
  }

  @Test
  void a_block_with_a_message_is_told_once_per_blocked_call() {
    ExecutionOutcome outcome =
        graph.run(
            """
            {'1':{'class_type':'Count','inputs':{'count':1}},
             '2':{'class_type':'Loud','inputs':{'a':['1',0]}},
             '3':{'class_type':'Sum','inputs':{'a':['2',0]}},
             '4':{'class_type':'Show','inputs':{'a':['3',0]}}}
            """);
    assertThat(outcome).isEqualTo(new ExecutionOutcome.Succeeded(Map.of()));
    assertThat(calls).isEmpty();
    assertThat(graph.events)
        .filteredOn(ExecutionEvent.Message.class::isInstance)
        .containsExactly(new ExecutionEvent.Message("3", new ClientMessage.NotRun("Sum", "no")));
  }
}
