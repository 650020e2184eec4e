package quartet.cluster.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import quartet.engine.exec.ExecutionOutcome;

final class InMemoryPromptStoreTest {
  private static PromptRecord record(String id) {
    PromptJob job =
        new PromptJob(
            id,
            0,
            JsonNodeFactory.instance.objectNode(),
            JsonNodeFactory.instance.objectNode(),
            List.of(),
            null,
            Instant.EPOCH);
    return new PromptRecord(job, 0, new ExecutionOutcome.Succeeded(Map.of()), List.of(), 1, 2);
  }

  private static List<String> ids(PromptStore store) {
    return store.all().stream().map(kept -> kept.job().promptId()).toList();
  }

  @Test
  void theOldestGoesWhenThereAreTooMany() {
    PromptStore store = new InMemoryPromptStore(2);
    store.add(record("a"));
    store.add(record("b"));
    store.add(record("c"));
    assertThat(ids(store)).containsExactly("b", "c");
    assertThat(store.find("a")).isEmpty();
    assertThat(store.find("c")).isPresent();
  }

  @Test
  void theSameIdAgainReplacesAndBecomesTheNewest() {
    PromptStore store = new InMemoryPromptStore(3);
    store.add(record("a"));
    store.add(record("b"));
    store.add(record("a"));
    assertThat(ids(store)).containsExactly("b", "a");
  }

  @Test
  void deletingUnknownIdsIsNoError() {
    PromptStore store = new InMemoryPromptStore(3);
    store.add(record("a"));
    store.delete(Set.of("a", "unknown"));
    assertThat(ids(store)).isEmpty();
    store.clear();
  }
}
