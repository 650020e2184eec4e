package quartet.cluster.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static quartet.cluster.gpu.Jobs.job;

import java.util.Set;
import org.junit.jupiter.api.Test;
import quartet.cluster.job.PromptJob;

final class GpuQueueTest {
  @Test
  void smallestNumberRunsFirstAndOneAtATime() {
    GpuQueue queue = new GpuQueue(10);
    queue.offer(job("c", 3));
    queue.offer(job("front", -1));
    queue.offer(job("a", 1));
    assertThat(queue.start()).map(PromptJob::promptId).contains("front");
    assertThat(queue.start()).isEmpty();
    queue.finish();
    assertThat(queue.start()).map(PromptJob::promptId).contains("a");
  }

  @Test
  void theRunningPromptCountsTowardsTheBound() {
    GpuQueue queue = new GpuQueue(2);
    assertThat(queue.offer(job("a", 1))).isTrue();
    queue.start();
    assertThat(queue.offer(job("b", 2))).isTrue();
    assertThat(queue.offer(job("c", 3))).isFalse();
    assertThat(queue.waiting()).isEqualTo(2);
    queue.finish();
    assertThat(queue.offer(job("c", 3))).isTrue();
  }

  @Test
  void removalTakesWaitingPromptsOnly() {
    GpuQueue queue = new GpuQueue(10);
    queue.offer(job("a", 1));
    queue.offer(job("b", 2));
    queue.start();
    assertThat(queue.remove(Set.of("a", "b", "unknown")))
        .extracting(PromptJob::promptId)
        .containsExactly("b");
    assertThat(queue.running()).map(PromptJob::promptId).contains("a");
    assertThat(queue.clear()).isEmpty();
  }

  @Test
  void aPromptThatRanDuringAFailureIsTriedOnceMore() {
    GpuQueue queue = new GpuQueue(10);
    queue.offer(job("a", 1));
    queue.start();
    assertThat(queue.retry()).map(PromptJob::promptId).contains("a");
    assertThat(queue.retry()).isEmpty();
    assertThat(queue.running()).isPresent();
    queue.finish();
    assertThat(queue.retry()).isEmpty();
  }
}
