package quartet.cluster.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import quartet.cluster.placement.Placement;
import quartet.cluster.placement.PromptWork;
import quartet.cluster.placement.StepTimes;

/** Who is next where, and why. */
final class NodeQueueTest {
  private final StepTimes times = new StepTimes();

  private NodeQueue queue(int gpus) {
    NodeQueue queue =
        new NodeQueue(new Placement(times, name -> name.equals("huge") ? 30_000_000_000L : 0));
    for (int i = 0; i < gpus; i++) {
      queue.addGpu(i);
    }
    return queue;
  }

  private static PromptWork work(String model) {
    return PromptWork.of(Set.of(model), "stage-" + model + System.nanoTime(), 1);
  }

  private static Waiting waiting(String id, String client, double number, @Nullable Integer gpu) {
    return new Waiting(id, client, 0, number, (long) number, gpu, null, work("m"));
  }

  private static List<String> started(NodeQueue queue) {
    return queue.assign(0).stream()
        .map(start -> start.waiting().promptId() + "@" + start.gpuId())
        .toList();
  }

  /** Runs everything on one device after another and says in which order. */
  private static List<String> order(NodeQueue queue) {
    List<String> order = new ArrayList<>();
    for (List<NodeQueue.Start> starts = queue.assign(0);
        !starts.isEmpty();
        starts = queue.assign(0)) {
      for (NodeQueue.Start start : starts) {
        order.add(start.waiting().promptId());
        queue.ended(start.gpuId(), start.waiting().promptId(), true, 1000);
      }
    }
    return order;
  }

  @Test
  void aPromptThatNamesADeviceWaitsForItWhileOthersIdle() {
    NodeQueue queue = queue(2);
    queue.add(waiting("a", "c", 1, 0));
    queue.add(waiting("b", "c", 2, 0));
    assertThat(started(queue)).containsExactly("a@0");
    queue.add(waiting("c", "c", 3, null));
    assertThat(started(queue)).containsExactly("c@1");
    queue.ended(0, "a", true, 1000);
    assertThat(started(queue)).containsExactly("b@0");
  }

  @Test
  void nobodyWaitsBehindASlowPromptWhileAnotherDeviceIsFree() {
    NodeQueue queue = queue(2);
    for (String id : List.of("a", "b", "c", "d")) {
      queue.add(waiting(id, "c", id.charAt(0), null));
    }
    assertThat(started(queue)).containsExactly("a@0", "b@1");
    queue.ended(1, "b", true, 100);
    assertThat(started(queue)).containsExactly("c@1");
    queue.ended(1, "c", true, 200);
    assertThat(started(queue)).containsExactly("d@1");
  }

  @Test
  void priorityThenFairSharesThenNumbers() {
    NodeQueue queue = queue(1);
    for (int i = 0; i < 3; i++) {
      queue.add(waiting("a" + i, "alice", i, null));
      queue.add(waiting("b" + i, "bob", 10 + i, null));
    }
    queue.add(waiting("urgent", "alice", 99, null));
    queue.rank("urgent", 5);
    queue.toFront("b2");
    assertThat(order(queue)).containsExactly("b2", "urgent", "a0", "b0", "a1", "b1", "a2");
  }

  @Test
  void sharesAreOfTimeNotOfPrompts() {
    NodeQueue queue = queue(1);
    times.learn(0, work("m"), 1, true, 1);
    for (int i = 0; i < 4; i++) {
      queue.add(
          new Waiting(
              "long" + i, "l", 0, i, 0, null, null, PromptWork.of(Set.of("m"), "l" + i, 3)));
    }
    for (int i = 0; i < 12; i++) {
      queue.add(
          new Waiting(
              "short" + i, "s", 0, i, 0, null, null, PromptWork.of(Set.of("m"), "s" + i, 1)));
    }
    assertThat(order(queue).subList(0, 8).stream().filter(id -> id.startsWith("long")).count())
        .isEqualTo(2);
  }

  @Test
  void aPromptIsPutBeforeAnotherAndToTheBack() {
    NodeQueue queue = queue(1);
    for (int i = 0; i < 4; i++) {
      queue.add(waiting("p" + i, "c", i, null));
    }
    assertThat(queue.before("p3", "p1")).isPresent();
    assertThat(queue.toBack("p0")).isPresent();
    assertThat(queue.before("p1", "gone")).isEmpty();
    assertThat(queue.move("gone", 0)).isEmpty();
    assertThat(order(queue)).containsExactly("p3", "p1", "p2", "p0");
  }

  @Test
  void aPausedOrFailedDeviceTakesNothingAndItsUnpinnedPromptsGoElsewhere() {
    NodeQueue queue = queue(2);
    queue.pause(0, true);
    queue.add(waiting("a", "c", 1, null));
    queue.add(waiting("b", "c", 2, 0));
    assertThat(started(queue)).containsExactly("a@1");
    Projection forecast = queue.project(0);
    assertThat(forecast.planned()).hasSize(1);
    assertThat(forecast.planned().getFirst().startMillis()).isNull();
    assertThat(forecast.planned().getFirst().reason())
        .isEqualTo("GPU 0: named by the client, not taking prompts now");
    queue.pause(0, false);
    queue.health(0, "being repaired");
    assertThat(started(queue)).isEmpty();
    queue.health(0, null);
    assertThat(started(queue)).containsExactly("b@0");
  }

  @Test
  void aDeviceThatHoldsTheModelIsWorthAShortWait() {
    NodeQueue queue = queue(2);
    Waiting first = waiting("first", "c", 1, 0);
    for (int gpu = 0; gpu < 2; gpu++) {
      times.learn(gpu, first.work(), 1, true, 1);
      times.learn(gpu, first.work(), 1, false, 21);
    }
    queue.holds(0, Set.of("/models/checkpoints/m"), -1, -1);
    queue.add(first);
    assertThat(started(queue)).containsExactly("first@0");
    queue.add(waiting("next", "c", 2, null));
    assertThat(started(queue)).as("20 s of loading against 1 s of waiting").isEmpty();
    queue.ended(0, "first", true, 1000);
    assertThat(started(queue)).containsExactly("next@0");
    for (int i = 0; i < 40; i++) {
      queue.add(waiting("more" + i, "c", 3 + i, null));
    }
    assertThat(started(queue)).as("a long queue is worth loading").containsExactly("more0@1");
  }

  @Test
  void aDeviceTooSmallForTheWorkIsLeftOut() {
    NodeQueue queue = queue(2);
    queue.holds(0, Set.of(), 24_000_000_000L, 24_000_000_000L);
    queue.holds(1, Set.of(), 80_000_000_000L, 80_000_000_000L);
    queue.add(new Waiting("large", "c", 0, 1, 0, null, null, work("huge")));
    List<NodeQueue.Start> starts = queue.assign(0);
    assertThat(starts).hasSize(1);
    assertThat(starts.getFirst().gpuId()).isEqualTo(1);
    assertThat(starts.getFirst().reason())
        .isEqualTo("GPU 1: model to be loaded (1.0 s), 80.0 GB free, queue 0.0 s");
    assertThat(queue.larger(0)).contains(1);
    assertThat(queue.larger(1)).isEmpty();
  }

  @Test
  void cachedSamplingsAreWorthAnything() {
    NodeQueue queue = queue(2);
    PromptWork same = PromptWork.of(Set.of("m"), "the same", 10);
    queue.holds(0, Set.of("m"), -1, -1);
    queue.holds(1, Set.of("m"), -1, -1);
    queue.add(new Waiting("one", "c", 0, 1, 0, 1, null, same));
    assertThat(started(queue)).containsExactly("one@1");
    queue.ended(1, "one", true, 10_000);
    queue.add(new Waiting("two", "c", 0, 2, 0, null, null, same));
    List<NodeQueue.Start> starts = queue.assign(10_000);
    assertThat(starts.getFirst().gpuId()).isEqualTo(1);
    assertThat(starts.getFirst().reason()).contains("model resident, 1 of 1 samplings cached");
  }

  @Test
  void aDeadlineThatPassesTakesThePromptOut() {
    NodeQueue queue = queue(1);
    queue.pause(0, true);
    queue.add(new Waiting("late", "c", 0, 1, 0, null, 5000L, work("m")));
    assertThat(queue.expired(5000)).isEmpty();
    assertThat(queue.expired(5001)).extracting(Waiting::promptId).containsExactly("late");
    assertThat(queue.size()).isZero();
  }

  @Test
  void theForecastAddsUpWhatWasLearned() {
    NodeQueue queue = queue(2);
    for (int gpu = 0; gpu < 2; gpu++) {
      queue.holds(gpu, Set.of("m"), -1, -1);
      times.learn(gpu, work("m"), 1, true, gpu == 0 ? 2 : 4);
    }
    for (int i = 0; i < 5; i++) {
      queue.add(waiting("p" + i, "c", i, null));
    }
    queue.assign(0);
    Projection forecast = queue.project(0);
    assertThat(forecast.planned())
        .extracting(
            one ->
                one.position() + ":" + one.promptId() + "@" + one.gpuId() + " " + one.startMillis())
        .containsExactly("1:p2@0 2000", "2:p3@0 4000", "3:p4@0 6000");
    assertThat(forecast.freeInSeconds()).containsEntry(0, 8.0).containsEntry(1, 4.0);
  }
}
