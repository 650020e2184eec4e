package quartet.engine.exec;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.engine.fake.Json;
import quartet.errors.Required;

/** What runs and what is taken from an earlier prompt. */
class PromptExecutorTest {
  @TempDir Path base;
  private Bench bench;

  @BeforeEach
  void fresh() {
    bench = new Bench(base);
  }

  @Test
  void nodes_run_in_order_and_outputs_are_shown() {
    ExecutionOutcome outcome = bench.run(Bench.CHAIN);
    assertThat(outcome).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(outcome.shown()).containsOnlyKeys("4");
    assertThat(Json.normal(Required.in(outcome.shown(), "4")))
        .isEqualTo(Json.value("{'shows':111}"));
    assertThat(bench.ran).containsExactly("Number", "Add", "Add", "Show");
    assertThat(bench.started()).containsExactly("1", "2", "3", "4");
    assertThat(bench.events.getFirst()).isEqualTo(new ExecutionEvent.Cached(List.of()));
    assertThat(bench.events.get(1)).isEqualTo(new ExecutionEvent.NodeStarted("1"));
    assertThat(bench.events.get(2)).isEqualTo(new ExecutionEvent.NodeFinished("1", null, false));
  }

  @Test
  void the_same_prompt_again_runs_nothing_and_shows_the_same() {
    ExecutionOutcome first = bench.run(Bench.CHAIN);
    ExecutionOutcome second = bench.run(Bench.CHAIN);
    assertThat(bench.ran).isEmpty();
    assertThat(second).isEqualTo(first);
    assertThat(bench.events)
        .as("the cached output reports itself, the nodes before it do not")
        .containsExactly(
            new ExecutionEvent.Cached(List.of("1", "2", "3", "4")),
            new ExecutionEvent.NodeFinished("4", Required.in(first.shown(), "4"), true));
  }

  @Test
  void a_changed_constant_runs_its_node_and_what_follows() {
    bench.run(Bench.CHAIN);
    ExecutionOutcome outcome = bench.run(Bench.CHAIN.replace("'value':10}", "'value':20}"));
    assertThat(bench.started()).containsExactly("2", "3", "4");
    assertThat(bench.cached()).containsExactly("1");
    assertThat(Required.in(outcome.shown(), "4").path("shows").asLong()).isEqualTo(121);
  }

  @Test
  void other_node_ids_find_the_same_results() {
    bench.run(Bench.CHAIN);
    String renamed =
        Bench.CHAIN
            .replace("'1'", "'first'")
            .replace("'2'", "'x'")
            .replace("'3'", "'1'")
            .replace("'4'", "'2'");
    ExecutionOutcome outcome = bench.run(renamed);
    assertThat(bench.ran).isEmpty();
    assertThat(Required.in(outcome.shown(), "2").path("shows").asLong()).isEqualTo(111);
  }

  @Test
  void a_link_to_another_source_of_the_same_value_is_other_work() {
    bench.run(Bench.CHAIN);
    bench.run(Bench.CHAIN.replace("'in':['2',0]", "'in':['1',0]"));
    assertThat(bench.started()).containsExactly("3", "4");
  }

  @Test
  void a_changed_stamp_runs_the_node_although_its_inputs_are_the_same() {
    String prompt =
        """
        {'1':{'class_type':'File','inputs':{'value':1}},
         '2':{'class_type':'Show','inputs':{'in':['1',0]}}}
        """;
    bench.run(prompt);
    bench.run(prompt);
    assertThat(bench.ran).isEmpty();
    bench.fileStamp = Optional.of("new");
    bench.run(prompt);
    assertThat(bench.ran).containsExactly("File", "Show");
  }

  @Test
  void without_a_stamp_the_node_runs_each_time_and_may_fail_by_itself() {
    String prompt =
        """
        {'1':{'class_type':'File','inputs':{'value':1}},
         '2':{'class_type':'Show','inputs':{'in':['1',0]}}}
        """;
    bench.fileStamp = Optional.empty();
    assertThat(bench.run(prompt)).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(bench.run(prompt)).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(bench.ran).containsExactly("File", "Show");
  }

  @Test
  void what_a_prompt_does_not_use_is_forgotten() {
    bench.run(Bench.CHAIN);
    bench.run(
        "{'1':{'class_type':'Number','inputs':{'value':1}},"
            + "'2':{'class_type':'Show','inputs':{'in':['1',0]}}}");
    assertThat(bench.cached()).containsExactly("1");
    bench.run(Bench.CHAIN);
    assertThat(bench.cached()).containsExactly("1");
    assertThat(bench.started()).containsExactly("2", "3", "4");
  }

  @Test
  void ancestors_of_a_cached_node_do_not_run() {
    bench.run(Bench.CHAIN);
    bench.cache.dropValues();
    ExecutionOutcome again = bench.run(Bench.CHAIN);
    assertThat(bench.ran).as("the output is there, so nothing it needs is needed").isEmpty();
    assertThat(bench.cached()).containsExactly("4");
    assertThat(again.shown()).containsOnlyKeys("4");
  }

  @Test
  void a_node_that_only_a_cached_node_needs_is_skipped_while_others_run() {
    bench.run(Bench.CHAIN);
    bench.cache.dropValues();
    bench.run(
        Bench.CHAIN.stripTrailing().replaceAll("}$", "")
            + ",'5':{'class_type':'Show','inputs':{'in':['1',0]}}}");
    assertThat(bench.started()).containsExactly("1", "5");
  }

  @Test
  void a_cleared_cache_runs_everything_again() {
    bench.run(Bench.CHAIN);
    bench.cache.clear();
    bench.run(Bench.CHAIN);
    assertThat(bench.started()).containsExactly("1", "2", "3", "4");
  }
}
