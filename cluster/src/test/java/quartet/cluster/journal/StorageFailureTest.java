package quartet.cluster.journal;

import static org.assertj.core.api.Assertions.assertThat;

import akka.pattern.CircuitBreakerOpenException;
import java.io.IOException;
import java.sql.SQLException;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import scala.concurrent.duration.FiniteDuration;

/** What a failed write is taken for, and what people read of it. */
final class StorageFailureTest {
  private final Throwable open =
      new CircuitBreakerOpenException(FiniteDuration.Zero(), "Circuit Breaker is open");

  private static boolean conflicts(Throwable thrown) {
    return new StorageFailure(thrown).isConflict();
  }

  @Test
  void aKeyThatIsThereIsAConflictHoweverDeepItIsSaid() {
    SQLException there = new SQLException("duplicate key", "23505");
    assertThat(conflicts(there)).isTrue();
    assertThat(conflicts(new CompletionException(new IOException(there)))).isTrue();
    assertThat(conflicts(new SQLException("no such table", "42P01"))).isFalse();
    assertThat(conflicts(new SQLException("no state"))).isFalse();
    assertThat(conflicts(new IOException("23505"))).isFalse();
  }

  @Test
  void peopleReadTheFirstLineOfTheRoot() {
    Throwable thrown = new CompletionException(new IOException("disk full\nat block 7"));
    assertThat(new StorageFailure(thrown).reason(null))
        .isEqualTo("the journal's database fails: disk full");
    assertThat(new StorageFailure(thrown).reason("it was something else"))
        .isEqualTo("the journal's database fails: disk full");
    assertThat(new StorageFailure(new IOException()).reason(null))
        .isEqualTo("the journal's database fails: java.io.IOException");
  }

  @Test
  void anOpenCircuitBreakerRepeatsWhatIsKnown() {
    assertThat(new StorageFailure(open).reason("disk full")).isEqualTo("disk full");
    assertThat(new StorageFailure(open).reason(null))
        .isEqualTo("the journal's database fails: Circuit Breaker is open");
  }
}
