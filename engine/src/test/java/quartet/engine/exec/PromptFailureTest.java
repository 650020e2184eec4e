package quartet.engine.exec;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import quartet.engine.fake.Json;
import quartet.engine.node.NodeResult;
import quartet.engine.run.PromptInterruptedException;
import quartet.errors.EngineException;
import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** How prompts end that do not succeed; the next prompt never notices. */
class PromptFailureTest {
  @TempDir Path base;
  private Bench bench;

  @BeforeEach
  void fresh() {
    bench = new Bench(base);
  }

  /** One code of each kind. */
  private enum AnyError implements ErrorCode {
    SOMETHING;

    @Override
    public ErrorKind kind() {
      return ErrorKind.INTERNAL;
    }
  }

  private record CodeOf(ErrorKind kind) implements ErrorCode {
    @Override
    public String name() {
      return "CODE_" + kind;
    }
  }

  private void addThrows(Supplier<? extends RuntimeException> failure) {
    bench.instead.put(
        "Add",
        (inputs, context) -> {
          throw failure.get();
        });
  }

  @ParameterizedTest
  @EnumSource(ErrorKind.class)
  void an_engine_exception_keeps_its_kind_and_code(ErrorKind kind) {
    addThrows(() -> new EngineException(new CodeOf(kind), "what and why"));
    ExecutionOutcome.Failed failed = bench.failing(Bench.CHAIN);
    assertThat(failed.kind()).isEqualTo(kind);
    assertThat(failed.exceptionType()).isEqualTo("CODE_" + kind);
    assertThat(failed.message()).isEqualTo("what and why");
  }

  @Test
  void a_failure_says_where_with_what_and_after_which_nodes() {
    addThrows(() -> new EngineException(AnyError.SOMETHING, "no"));
    ExecutionOutcome.Failed failed = bench.failing(Bench.CHAIN);
    assertThat(failed.nodeId()).isEqualTo("2");
    assertThat(failed.nodeType()).isEqualTo("Add");
    assertThat(failed.executed()).containsExactly("1");
    assertThat(Json.normal(failed.currentInputs()))
        .isEqualTo(Json.value("{'value':[10],'in':[1]}"));
    assertThat(failed.traceback()).isNotEmpty().allMatch(line -> line.startsWith("  at "));
    assertThat(bench.started()).containsExactly("1", "2");
  }

  @Test
  void wrong_arguments_are_the_input_s_fault_and_anything_else_is_ours() {
    addThrows(() -> new IllegalArgumentException("bad size"));
    assertThat(bench.failing(Bench.CHAIN).kind()).isEqualTo(ErrorKind.INPUT);
    addThrows(() -> new IllegalStateException("broken"));
    assertThat(bench.failing(Bench.CHAIN).kind()).isEqualTo(ErrorKind.INTERNAL);
    assertThat(bench.failing(Bench.CHAIN).exceptionType()).isEqualTo("IllegalStateException");
  }

  @Test
  void an_exception_without_a_message_still_says_what_it_is() {
    addThrows(NullPointerException::new);
    assertThat(bench.failing(Bench.CHAIN).message()).isEqualTo("java.lang.NullPointerException");
  }

  @Test
  void a_constant_on_a_socket_fails_at_its_node_as_wrong_input() {
    ExecutionOutcome.Failed failed =
        bench.failing(Bench.CHAIN.replace("'in':['2',0]", "'in':'text'"));
    assertThat(failed.nodeId()).isEqualTo("3");
    assertThat(failed.kind()).isEqualTo(ErrorKind.INPUT);
    assertThat(failed.message()).contains("'in'").contains("INT");
  }

  @Test
  void endless_recursion_in_a_node_ends_its_prompt_only() {
    bench.instead.put("Add", (inputs, context) -> NodeResult.of(endless(1L)));
    ExecutionOutcome.Failed failed = bench.failing(Bench.CHAIN);
    assertThat(failed.exceptionType()).isEqualTo("StackOverflowError");
    assertThat(failed.traceback()).hasSizeLessThanOrEqualTo(40);
    bench.instead.clear();
    assertThat(bench.run(Bench.CHAIN)).isInstanceOf(ExecutionOutcome.Succeeded.class);
  }

  @SuppressWarnings("InfiniteRecursion") // that is the point
  private static long endless(long depth) {
    return endless(depth + 1) + 1;
  }

  @Test
  void a_plug_in_that_misses_a_class_ends_its_prompt_only() {
    bench.instead.put(
        "Add",
        (inputs, context) -> {
          throw new NoClassDefFoundError("com/example/Missing");
        });
    ExecutionOutcome.Failed failed = bench.failing(Bench.CHAIN);
    assertThat(failed.exceptionType()).isEqualTo("NoClassDefFoundError");
    assertThat(failed.kind()).isEqualTo(ErrorKind.INTERNAL);
    bench.instead.clear();
    assertThat(bench.run(Bench.CHAIN)).isInstanceOf(ExecutionOutcome.Succeeded.class);
  }

  @Test
  void a_node_that_breaks_its_promise_of_outputs_is_blamed() {
    for (NodeResult wrong : List.of(NodeResult.of(), NodeResult.of(1L, 2L))) {
      bench.instead.put("Add", (inputs, context) -> wrong);
      ExecutionOutcome.Failed failed = bench.failing(Bench.CHAIN);
      assertThat(failed.nodeId()).isEqualTo("2");
      assertThat(failed.message())
          .contains("promised 1 outputs and returned " + wrong.outputs().size());
    }
  }

  @Test
  void what_ran_before_a_failure_is_found_again() {
    addThrows(() -> new IllegalStateException("once"));
    bench.failing(Bench.CHAIN);
    bench.instead.clear();
    bench.run(Bench.CHAIN);
    assertThat(bench.started()).containsExactly("2", "3", "4");
  }

  @Test
  void what_was_shown_before_a_failure_is_kept() {
    addThrows(() -> new IllegalStateException("no"));
    String two =
        Bench.CHAIN.stripTrailing().replaceAll("}$", "")
            + ",'5':{'class_type':'Show','inputs':{'in':['1',0]}}}";
    assertThat(bench.failing(two).shown()).containsOnlyKeys("5");
  }

  @Test
  void an_interrupt_is_seen_before_the_next_node() {
    AtomicInteger asked = new AtomicInteger();
    bench.cancel = () -> asked.incrementAndGet() > 2;
    ExecutionOutcome.Interrupted stopped = (ExecutionOutcome.Interrupted) bench.run(Bench.CHAIN);
    assertThat(stopped.nodeId()).isEqualTo("3");
    assertThat(stopped.nodeType()).isEqualTo("Add");
    assertThat(stopped.executed()).containsExactly("1", "2");
    assertThat(bench.started()).containsExactly("1", "2");
    bench.cancel = () -> false;
    assertThat(bench.run(Bench.CHAIN)).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(bench.started()).containsExactly("3", "4");
  }

  @Test
  void an_interrupt_inside_a_node_is_no_failure() {
    List<String> seen = new ArrayList<>();
    bench.instead.put(
        "Show",
        (inputs, context) -> {
          seen.add("began");
          throw new PromptInterruptedException();
        });
    ExecutionOutcome.Interrupted stopped = (ExecutionOutcome.Interrupted) bench.run(Bench.CHAIN);
    assertThat(seen).hasSize(1);
    assertThat(stopped.nodeId()).isEqualTo("4");
    assertThat(stopped.executed()).containsExactly("1", "2", "3");
  }

  @Test
  void an_interrupt_does_not_stop_what_is_cached_already() {
    bench.run(Bench.CHAIN);
    bench.cancel = () -> true;
    assertThat(bench.run(Bench.CHAIN)).isInstanceOf(ExecutionOutcome.Succeeded.class);
  }
}
