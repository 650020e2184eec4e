package quartet.cluster.journal;

import akka.pattern.CircuitBreakerOpenException;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** What a failed write says about the journal's database. Pure. */
record StorageFailure(Throwable thrown) {
  /** SQL's state for a key that is there already. Source: SQL:2011, class 23. */
  private static final String UNIQUE_VIOLATION = "23505";

  /** Whether another server has stored something about the prompt in the meantime. */
  boolean isConflict() {
    for (Throwable one = thrown; one != null; one = one.getCause()) {
      if (one instanceof SQLException sql && UNIQUE_VIOLATION.equals(sql.getSQLState())) {
        return true;
      }
    }
    return false;
  }

  /**
   * For people: the first line of what the database says.
   *
   * @param known the reason of earlier failures, or null: an open circuit breaker says nothing of
   *     its own, since the database was not asked
   */
  String reason(@Nullable String known) {
    Throwable root = thrown;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    if (root instanceof CircuitBreakerOpenException && known != null) {
      return known;
    }
    String text = root.getMessage() == null ? root.toString() : root.getMessage();
    return "the journal's database fails: " + text.lines().findFirst().orElse(text);
  }
}
