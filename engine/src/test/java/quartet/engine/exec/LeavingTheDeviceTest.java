package quartet.engine.exec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.errors.EngineException;
import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;
import quartet.errors.Required;

/** The end of a prompt on another thread, while its device has the next one. */
class LeavingTheDeviceTest {
  /** Two nodes for the device, then two that need none. */
  private static final String SAVING =
      """
      {'1':{'class_type':'Number','inputs':{'value':%d}},
       '2':{'class_type':'Add','inputs':{'in':['1',0],'value':10}},
       '3':{'class_type':'Save','inputs':{'in':['2',0]}},
       '4':{'class_type':'Save','inputs':{'in':['2',0]}}}
      """;

  private enum Disk implements ErrorCode {
    DISK_FULL;

    @Override
    public ErrorKind kind() {
      return ErrorKind.STORAGE;
    }
  }

  private final Bench bench;
  private final List<ExecutionEvent> events = new CopyOnWriteArrayList<>();
  private final List<Long> saved = new CopyOnWriteArrayList<>();

  LeavingTheDeviceTest(@TempDir Path base) {
    bench = new Bench(base);
  }

  private Remainder<ExecutionOutcome> begin(int value) {
    return bench.executor.begin(
        bench.plan(SAVING.formatted(value)),
        bench.context.folders(),
        () -> bench.cancel.isCancelled(),
        id -> bench.context,
        events::add);
  }

  private static CompletableFuture<ExecutionOutcome> elsewhere(Remainder<ExecutionOutcome> left) {
    CompletableFuture<ExecutionOutcome> end = new CompletableFuture<>();
    Thread.ofPlatform().start(() -> end.complete(left.finish()));
    return end;
  }

  /** Saving waits for the latch. */
  private void saveAfter(CountDownLatch latch) {
    bench.instead.put(
        "Save",
        (inputs, context) -> {
          try {
            latch.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          saved.add(inputs.get(Bench.IN));
          return NodeResult.shown(JsonNodeFactory.instance.objectNode().put("saved", true));
        });
  }

  @Test
  void the_device_s_part_ends_where_only_host_nodes_are_left() {
    Remainder<ExecutionOutcome> left = begin(1);
    assertThat(left).isInstanceOf(Remainder.HostNodes.class);
    assertThat(bench.ran).containsExactly("Number", "Add");
    ExecutionOutcome outcome = elsewhere(left).join();
    assertThat(bench.ran).containsExactly("Number", "Add", "Save", "Save");
    assertThat(Required.in(outcome.shown(), "3").path("saved").asLong()).isEqualTo(11);
    assertThat(Required.in(outcome.shown(), "4").path("saved").asLong()).isEqualTo(11);
  }

  @Test
  void the_events_are_those_of_one_thread_in_the_same_order() {
    bench.run(SAVING.formatted(1));
    List<ExecutionEvent> inOneGo = new ArrayList<>(bench.events);
    bench.cache.clear();
    elsewhere(begin(1)).join();
    assertThat(events).isEqualTo(inOneGo).hasSize(1 + 2 * 4);
  }

  @Test
  void the_next_prompt_computes_while_the_last_one_is_still_saved() {
    CountDownLatch disk = new CountDownLatch(1);
    saveAfter(disk);
    CompletableFuture<ExecutionOutcome> first = elsewhere(begin(1));
    Remainder<ExecutionOutcome> second = begin(2);
    assertThat(first).as("the disk is slow").isNotDone();
    assertThat(saved).isEmpty();
    assertThat(bench.ran.stream().filter("Add"::equals)).as("both are computed").hasSize(2);
    disk.countDown();
    assertThat(first.join()).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(second.finish()).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(saved).containsExactly(11L, 11L, 12L, 12L);
  }

  @Test
  void the_same_prompt_again_waits_for_what_is_being_saved_and_saves_nothing_twice() {
    CountDownLatch disk = new CountDownLatch(1);
    saveAfter(disk);
    CompletableFuture<ExecutionOutcome> first = elsewhere(begin(1));
    AtomicReference<Remainder<ExecutionOutcome>> again = new AtomicReference<>();
    Thread device = Thread.ofPlatform().start(() -> again.set(begin(1)));
    while (device.getState() != Thread.State.WAITING) {
      assertThat(device.isAlive()).as("it has to wait").isTrue();
      Thread.onSpinWait();
    }
    disk.countDown();
    first.join();
    join(device);
    assertThat(again.get()).isInstanceOf(Remainder.Nothing.class);
    assertThat(again.get().finish().shown()).containsOnlyKeys("3", "4");
    assertThat(saved).containsExactly(11L, 11L);
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void what_was_saved_elsewhere_is_in_the_cache_of_the_next_prompt() {
    elsewhere(begin(1)).join();
    bench.ran.clear();
    assertThat(begin(1)).isInstanceOf(Remainder.Nothing.class);
    assertThat(bench.ran).isEmpty();
  }

  @Test
  void a_cleared_cache_does_not_get_what_was_still_being_saved() {
    Remainder<ExecutionOutcome> left = begin(1);
    bench.cache.clear();
    elsewhere(left).join();
    bench.ran.clear();
    begin(1).finish();
    assertThat(bench.ran).containsExactly("Number", "Add", "Save", "Save");
  }

  @Test
  void a_full_disk_is_the_error_of_the_prompt_that_is_saved() {
    bench.instead.put(
        "Save",
        (inputs, context) -> {
          throw new EngineException(Disk.DISK_FULL, "no room");
        });
    Remainder<ExecutionOutcome> left = begin(1);
    ExecutionOutcome.Failed failed = (ExecutionOutcome.Failed) elsewhere(left).join();
    assertThat(failed.nodeId()).isIn("3", "4");
    assertThat(failed.message()).isEqualTo("no room");
    assertThat(failed.executed()).containsExactly("1", "2");
    bench.instead.clear();
    assertThat(begin(1).finish())
        .as("it was not saved, so it is not cached")
        .isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(bench.ran).containsExactly("Number", "Add", "Save", "Save", "Save");
  }

  @Test
  void a_prompt_is_interrupted_before_it_is_saved() {
    Remainder<ExecutionOutcome> left = begin(1);
    bench.cancel = () -> true;
    ExecutionOutcome.Interrupted stopped = (ExecutionOutcome.Interrupted) elsewhere(left).join();
    assertThat(stopped.executed()).containsExactly("1", "2");
    assertThat(bench.ran).doesNotContain("Save");
  }

  @Test
  void what_is_saved_before_the_device_has_done_its_part_is_saved_at_its_turn() {
    String early =
        """
        {'1':{'class_type':'Number','inputs':{'value':1}},
         '2':{'class_type':'Save','inputs':{'in':['1',0]}},
         '3':{'class_type':'Add','inputs':{'in':['1',0],'value':10}},
         '4':{'class_type':'Show','inputs':{'in':['3',0]}}}
        """;
    assertThat(
            bench.executor.begin(
                bench.plan(early),
                bench.context.folders(),
                bench.cancel,
                id -> bench.context,
                events::add))
        .as("the last node needs the device")
        .isInstanceOf(Remainder.Nothing.class);
    assertThat(bench.ran).contains("Save").endsWith("Show");
  }

  @Test
  void a_node_that_promised_to_need_no_device_gets_none() {
    bench.instead.put(
        "Save",
        (inputs, context) -> {
          context.backend();
          return NodeResult.of();
        });
    ExecutionOutcome.Failed failed = (ExecutionOutcome.Failed) begin(1).finish();
    assertThat(failed.message()).contains("is marked as host-only and asks for its device");
  }

  @Test
  void a_node_that_needs_no_device_may_not_have_others_run_on_demand() {
    assertThatThrownBy(
            () -> NodeSchema.named("Lazy").required(Bench.IN).lazy(Bench.IN).hostOnly().build())
        .hasMessageContaining("Lazy is host-only");
  }
}
