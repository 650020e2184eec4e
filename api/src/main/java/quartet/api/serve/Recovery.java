package quartet.api.serve;

import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import quartet.cluster.journal.JournalDatabase;
import quartet.cluster.journal.Recovered;
import quartet.errors.EngineException;

/** What the journal knows from earlier lives, read while other parts start. */
record Recovery(CompletableFuture<Recovered> reading) {
  static Recovery begin(JournalDatabase database) {
    return new Recovery(
        CompletableFuture.supplyAsync(() -> read(database), Thread.ofVirtual()::start));
  }

  private static Recovered read(JournalDatabase database) {
    try {
      return Recovered.of(database.read());
    } catch (SQLException e) {
      throw new EngineException(
          ServeError.JOURNAL_UNREADABLE,
          "The prompts kept in %s cannot be read: %s"
              .formatted(database.settings(), e.getMessage()),
          e);
    }
  }

  /**
   * Waits for it.
   *
   * @param oneOfSeveral whose the open prompts are is for the cluster to say, so they are left out
   * @throws EngineException if the journal cannot be read
   */
  Recovered await(boolean oneOfSeveral) {
    try {
      Recovered all = reading.join();
      return oneOfSeveral
          ? new Recovered(List.of(), all.ended(), all.setAside(), all.counter())
          : all;
    } catch (CompletionException e) {
      throw e.getCause() instanceof EngineException known ? known : e;
    }
  }
}
