package quartet.cluster.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ModelLedgerTest {
  private static final Path A = Path.of("a");
  private static final Path B = Path.of("b");
  private static final Path C = Path.of("c");

  @Test
  void unusedFilesGoWhenTheBudgetIsNeededOldestFirst() {
    ModelLedger<String> ledger = new ModelLedger<>(250);
    assertThat(ledger.opened(A, "A", 100)).isEmpty();
    assertThat(ledger.opened(B, "B", 100)).isEmpty();
    ledger.acquire(A);
    ledger.release(A);
    assertThat(ledger.opened(C, "C", 100)).as("B was used longer ago than A").containsExactly("B");
    assertThat(ledger.bytes()).isEqualTo(200);
  }

  @Test
  void heldFilesStayBeyondTheBudget() {
    ModelLedger<String> ledger = new ModelLedger<>(150);
    ledger.opened(A, "A", 100);
    ledger.acquire(A);
    assertThat(ledger.opened(B, "B", 100)).isEmpty();
    assertThat(ledger.holders()).containsExactlyInAnyOrderEntriesOf(Map.of(A, 1, B, 0));
    assertThat(ledger.dropUnused()).containsExactly("B");
  }

  @Test
  void releasingTooOftenIsAMistakeThatShows() {
    ModelLedger<String> ledger = new ModelLedger<>(150);
    ledger.opened(A, "A", 100);
    ledger.acquire(A);
    ledger.release(A);
    assertThatThrownBy(() -> ledger.release(A)).isInstanceOf(IllegalStateException.class);
    assertThat(ledger.dropUnused()).containsExactly("A");
    assertThat(ledger.acquire(A)).isEmpty();
  }
}
