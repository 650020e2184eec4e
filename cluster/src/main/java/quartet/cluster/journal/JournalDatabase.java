package quartet.cluster.journal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.FactCodec;
import quartet.cluster.job.FactSerializer;
import quartet.cluster.job.PromptEntity;
import quartet.cluster.job.PromptFact;
import quartet.errors.EngineException;

/**
 * The journal's tables, seen from outside the entities: made, read once at start, cleaned, and
 * flushed. Writing events is Akka's part.
 *
 * <p>Reading goes through the table in one pass and not through one entity after the other: ten
 * thousand ended prompts would be ten thousand queries, and one bad row would end a stream.
 *
 * <p>Thread: any, one at a time; blocks. Owner: {@code Server}.
 */
public final class JournalDatabase implements AutoCloseable {
  private static final int PAGE = 1000;
  private static final int DELETE_BATCH = 200;
  private static final int ALIVE_SECONDS = 2;

  /** H2 writes chunks of some kilobytes for a prompt, and moves old ones in files of megabytes. */
  private static final long LEAST_FREE_BYTES = 32L << 20;

  private final JournalSettings settings;
  private final @Nullable JournalMark mark;
  private @Nullable Connection connection;

  /** One row of the journal. */
  public record Entry(String promptId, PromptFact fact) {}

  private JournalDatabase(JournalSettings settings) {
    this.settings = settings;
    this.mark = settings.h2File().map(JournalMark::new).orElse(null);
  }

  /**
   * Connects, and makes or migrates the tables.
   *
   * @throws EngineException saying what to change, if it cannot
   */
  public static JournalDatabase open(JournalSettings settings) {
    JournalDatabase database = new JournalDatabase(settings);
    try {
      JournalSchema.migrate(database.connection(), settings);
      if (database.mark != null) {
        database.mark.check(database.lastOrdering(), settings);
      }
      return database;
    } catch (SQLException e) {
      database.close();
      throw new EngineException(
          JournalError.DATABASE_UNUSABLE,
          "The database %s cannot be used: %s. Is another server running on it? Is it writable?"
              .formatted(settings.shown(), e.getMessage()),
          e);
    } catch (EngineException e) {
      database.close();
      throw e;
    }
  }

  /** How far the journal goes now. Entries with smaller numbers may still be on their way. */
  public synchronized long lastOrdering() throws SQLException {
    try (Statement statement = connection().createStatement();
        ResultSet row =
            statement.executeQuery(
                JournalSchema.quoted(
                    settings, "SELECT COALESCE(MAX(ordering), 0) FROM event_journal"))) {
      return row.next() ? row.getLong(1) : 0;
    }
  }

  /** What reaches it. */
  public JournalSettings settings() {
    return settings;
  }

  /**
   * All facts in the order they were stored. What cannot be read is there as {@link
   * PromptFact.Unreadable}.
   */
  public List<Entry> read() throws SQLException {
    return read("");
  }

  /**
   * The same of prompts that have not ended, as far as the database can tell: entries of earlier
   * versions may be among them.
   */
  public List<Entry> readOpen() throws SQLException {
    return read(
        " AND NOT EXISTS (SELECT 1 FROM event_journal later"
            + " WHERE later.persistence_id = event_journal.persistence_id"
            + " AND later.event_ser_manifest = '"
            + FactSerializer.END_MANIFEST
            + "')");
  }

  /** All facts of prompts whose end is behind a place in the journal. */
  public List<Entry> readEndedAfter(long ordering) throws SQLException {
    return read(
        " AND persistence_id IN (SELECT ended.persistence_id FROM event_journal ended"
            + " WHERE ended.event_ser_manifest = '"
            + FactSerializer.END_MANIFEST
            + "' AND ended.ordering > "
            + ordering
            + ")");
  }

  /**
   * Writes down that the cluster goes on without a server, unless it goes on without this one: a
   * server that was frozen for long believes the opposite when it wakes up.
   */
  public synchronized void shutOut(long epoch, long self) throws SQLException {
    try (PreparedStatement insert =
        connection()
            .prepareStatement(
                "INSERT INTO quartet_shut_out (epoch) SELECT ? WHERE NOT EXISTS"
                    + " (SELECT 1 FROM quartet_shut_out WHERE epoch = ?) ON CONFLICT DO NOTHING")) {
      insert.setLong(1, epoch);
      insert.setLong(2, self);
      insert.executeUpdate();
    }
  }

  /** Whether the cluster goes on without that server. */
  public synchronized boolean isShutOut(long epoch) throws SQLException {
    try (PreparedStatement select =
        connection().prepareStatement("SELECT 1 FROM quartet_shut_out WHERE epoch = ?")) {
      select.setLong(1, epoch);
      try (ResultSet row = select.executeQuery()) {
        return row.next();
      }
    }
  }

  private synchronized List<Entry> read(String which) throws SQLException {
    List<Entry> entries = new ArrayList<>();
    long after = Long.MIN_VALUE;
    int rows;
    try (PreparedStatement select =
        connection()
            .prepareStatement(
                JournalSchema.quoted(
                    settings,
                    "SELECT ordering, persistence_id, event_ser_id, event_ser_manifest,"
                        + " event_payload FROM event_journal"
                        + " WHERE ordering > ? AND deleted = FALSE"
                        + which
                        + " ORDER BY ordering LIMIT "
                        + PAGE))) {
      do {
        select.setLong(1, after);
        rows = 0;
        try (ResultSet row = select.executeQuery()) {
          while (row.next()) {
            after = row.getLong(1);
            rows++;
            String promptId = PromptEntity.promptId(row.getString(2));
            int serializer = row.getInt(3);
            entries.add(
                new Entry(
                    promptId,
                    serializer == FactSerializer.ID
                        ? FactCodec.fact(row.getBytes(5))
                        : new PromptFact.Unreadable(
                            "an entry was written by the unknown serializer " + serializer)));
          }
        }
      } while (rows == PAGE);
    }
    return entries;
  }

  /** Removes all there is of these prompts. */
  public synchronized void delete(Collection<String> promptIds) throws SQLException {
    if (mark != null) {
      mark.write(0); // the last entries may be among them
    }
    List<String> ids = List.copyOf(promptIds);
    for (int from = 0; from < ids.size(); from += DELETE_BATCH) {
      List<String> batch = ids.subList(from, Math.min(ids.size(), from + DELETE_BATCH));
      String marks = String.join(", ", Collections.nCopies(batch.size(), "?"));
      try (PreparedStatement delete =
          connection()
              .prepareStatement(
                  JournalSchema.quoted(
                      settings,
                      "DELETE FROM event_journal WHERE persistence_id IN (" + marks + ")"))) {
        for (int i = 0; i < batch.size(); i++) {
          delete.setString(i + 1, PromptEntity.id(batch.get(i)).id());
        }
        delete.executeUpdate();
      }
    }
    flush(mark);
  }

  /**
   * Returns once everything committed before is on the disk. PostgreSQL's commit says so itself; an
   * H2 commit may still be in its writer's hands.
   */
  public synchronized void flush() throws SQLException {
    flush(mark != null && mark.isDue() ? mark : null);
  }

  private void flush(@Nullable JournalMark marked) throws SQLException {
    if (!settings.isH2()) {
      return;
    }
    // Looked up before: what is committed during the flush may not be on the disk after it.
    long reached = marked == null ? 0 : lastOrdering();
    try (Statement statement = connection().createStatement()) {
      statement.execute("CHECKPOINT SYNC");
    }
    if (marked != null) {
      marked.write(reached);
    }
  }

  private synchronized Connection connection() throws SQLException {
    Connection known = connection;
    if (known != null && known.isValid(ALIVE_SECONDS) && answers(known)) {
      return known;
    }
    close();
    Connection fresh =
        DriverManager.getConnection(settings.url(), settings.user(), settings.password());
    connection = fresh;
    return fresh;
  }

  /**
   * Why nothing may be written now: H2 stops for good when a write fails half-way, and then holds
   * its file's lock until the process ends. So it is not asked while its disk is all but full.
   */
  Optional<String> noRoom() {
    Optional<Path> folder = settings.h2File().map(Path::getParent);
    if (folder.isEmpty()) {
      return Optional.empty();
    }
    try {
      long free = Files.getFileStore(folder.get()).getUsableSpace();
      return free >= LEAST_FREE_BYTES
          ? Optional.empty()
          : Optional.of(
              "%d MB are free for %s, and it wants %d MB; move pictures out of output/, or give it more room"
                  .formatted(free >> 20, folder.get(), LEAST_FREE_BYTES >> 20));
    } catch (IOException e) {
      return Optional.of("its folder cannot be looked at: " + e);
    }
  }

  /** Whether something could be stored now. */
  public boolean works() {
    try {
      lastOrdering();
      return noRoom().isEmpty();
    } catch (SQLException e) {
      return false;
    }
  }

  /** H2's connections to a file that has stopped call themselves valid for ever. */
  private boolean answers(Connection known) {
    if (!settings.isH2()) {
      return true;
    }
    try (Statement question = known.createStatement()) {
      return question.execute("SELECT 1");
    } catch (SQLException e) {
      return false;
    }
  }

  @Override
  public synchronized void close() {
    Connection known = connection;
    connection = null;
    if (known != null) {
      try {
        known.close();
      } catch (SQLException e) {
        org.slf4j.LoggerFactory.getLogger(JournalDatabase.class)
            .debug("closing the journal's connection: {}", e.toString());
      }
    }
  }
}
