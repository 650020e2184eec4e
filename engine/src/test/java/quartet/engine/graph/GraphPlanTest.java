package quartet.engine.graph;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import quartet.engine.fake.Json;
import quartet.testkit.Cases;
import quartet.testkit.Property;

/** Plans: the right nodes in an order that can run. */
class GraphPlanTest {
  private static final int LONG = 5000;

  @Test
  void the_guide_s_workflow_runs_in_an_order_that_works() {
    ExecutionPlan plan = Prompts.ready(Prompts.guide());
    assertThat(plan.outputs()).containsExactly("9");
    assertRunnable(plan);
    assertThat(new ArrayList<>(plan.nodes().keySet()))
        .as("of two nodes that are ready, the first of the prompt")
        .containsExactly("4", "5", "6", "7", "3", "8", "9");
  }

  @Test
  void an_output_runs_as_soon_as_it_can() {
    ObjectNode prompt =
        Json.object(
            """
            {'1':{'class_type':'EmptyLatentImage','inputs':{'width':64,'height':64,'batch_size':1}},
             '2':{'class_type':'Pass','inputs':{'in':['1',0]}},
             '3':{'class_type':'Pass','inputs':{'in':['2',0]}},
             '4':{'class_type':'Pass','inputs':{'in':['3',0]}},
             '5':{'class_type':'Out','inputs':{'in':['4',0]}},
             '6':{'class_type':'Out','inputs':{'in':['1',0]}}}
            """);
    assertThat(Prompts.ready(prompt).nodes().keySet())
        .containsExactly("1", "6", "2", "3", "4", "5");
  }

  @Test
  void a_chain_of_thousands_is_planned_without_deep_recursion() {
    ObjectNode prompt = chain(LONG);
    ExecutionPlan plan =
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(30), () -> Prompts.ready(prompt));
    assertThat(plan.nodes()).hasSize(LONG + 2);
    assertRunnable(plan);
  }

  @Test
  void a_circle_of_thousands_is_found() {
    ObjectNode prompt = chain(LONG);
    Prompts.inputs(prompt, "1").set("in", Json.value("['" + LONG + "',0]"));
    Validation.Invalid invalid =
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(30), () -> Prompts.invalid(prompt));
    assertThat(invalid.nodeErrors().size()).isEqualTo(1);
  }

  @Test
  void thousands_of_nodes_side_by_side_are_planned() {
    ObjectNode prompt =
        Json.object(
            "{'0':{'class_type':'EmptyLatentImage','inputs':{'width':64,'height':64,'batch_size':1}}}");
    for (int i = 1; i <= LONG / 2; i++) {
      prompt.set("p" + i, Json.value("{'class_type':'Pass','inputs':{'in':['0',0]}}"));
      prompt.set("o" + i, Json.value("{'class_type':'Out','inputs':{'in':['p" + i + "',0]}}"));
    }
    ExecutionPlan plan =
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(60), () -> Prompts.ready(prompt));
    assertThat(plan.nodes()).hasSize(LONG + 1);
    assertRunnable(plan);
  }

  @Test
  void any_tangle_is_planned_or_refused_for_its_circle() {
    Property.check("random links", 300, GraphPlanTest::tangle);
  }

  private static void tangle(Cases cases) {
    int count = cases.intIn(1, 12);
    ObjectNode prompt =
        Json.object(
            "{'0':{'class_type':'EmptyLatentImage','inputs':{'width':64,'height':64,'batch_size':1}}}");
    for (int i = 1; i <= count; i++) {
      prompt.set(
          "" + i,
          Json.value("{'class_type':'Pass','inputs':{'in':['" + cases.intIn(0, count) + "',0]}}"));
    }
    for (int i = 0; i < cases.intIn(1, 4); i++) {
      prompt.set(
          "out" + i,
          Json.value("{'class_type':'Out','inputs':{'in':['" + cases.intIn(0, count) + "',0]}}"));
    }
    switch (Prompts.validate(prompt)) {
      case Validation.Ready ready -> assertRunnable(ready.plan());
      case Validation.Invalid invalid ->
          assertThat(invalid.nodeErrors().toString()).contains("dependency_cycle");
    }
  }

  private static ObjectNode chain(int length) {
    ObjectNode prompt =
        Json.object(
            "{'0':{'class_type':'EmptyLatentImage','inputs':{'width':64,'height':64,'batch_size':1}}}");
    prompt.set("out", Json.value("{'class_type':'Out','inputs':{'in':['" + length + "',0]}}"));
    for (int i = length; i >= 1; i--) {
      prompt.set("" + i, Json.value("{'class_type':'Pass','inputs':{'in':['" + (i - 1) + "',0]}}"));
    }
    return prompt;
  }

  private static void assertRunnable(ExecutionPlan plan) {
    List<String> done = new ArrayList<>();
    for (PlannedNode node : plan.nodes().values()) {
      node.links().values().forEach(link -> assertThat(done).contains(link.nodeId()));
      done.add(node.id());
    }
    assertThat(done).containsAll(plan.outputs()).doesNotHaveDuplicates();
  }
}
