package quartet.cluster.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.cluster.job.FactCodec;
import quartet.cluster.job.FactSerializer;
import quartet.cluster.job.PromptFact;
import quartet.errors.EngineException;

/** Journal files that are not what they were: a clear message, never a silent loss. */
final class JournalFileTest {
  @TempDir Path folder;

  private JournalSettings settings() {
    return JournalSettings.file(folder);
  }

  private Path file() {
    return folder.resolve("journal.mv.db");
  }

  /** Rows as Akka's journal writes them. */
  private void write(int rows, byte[] payload) throws SQLException {
    JournalSettings to = settings();
    try (Connection connection = DriverManager.getConnection(to.url(), to.user(), to.password());
        PreparedStatement insert =
            connection.prepareStatement(
                JournalSchema.quoted(
                    to,
                    "INSERT INTO event_journal (persistence_id, sequence_number, writer,"
                        + " write_timestamp, adapter_manifest, event_payload, event_ser_id,"
                        + " event_ser_manifest) VALUES (?, 1, '', 0, '', ?, ?, '')"))) {
      for (int i = 0; i < rows; i++) {
        insert.setString(1, "Prompt|p" + System.nanoTime());
        insert.setBytes(2, payload);
        insert.setInt(3, FactSerializer.ID);
        insert.executeUpdate();
      }
    }
  }

  /** A copy of a file in use, as a kill leaves it, with everything marked. */
  private Path live(int rows) throws IOException, SQLException {
    Path copy = folder.resolve("live");
    try (JournalDatabase database = JournalDatabase.open(settings())) {
      for (int i = 0; i < rows; i += 10) {
        write(10, FactCodec.bytes(new PromptFact.Placed(1)));
        database.flush();
      }
      database.delete(List.of("nobody")); // flushes and marks
      Files.copy(file(), copy);
    }
    return copy;
  }

  private void cutTo(Path whole, double share) throws IOException {
    Files.copy(whole, file(), StandardCopyOption.REPLACE_EXISTING);
    try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.WRITE)) {
      channel.truncate((long) (channel.size() * share));
    }
  }

  @Test
  void aFileWhoseEndIsCutOffIsNotOpenedSilently() throws Exception {
    Path whole = live(400);
    for (double share : new double[] {0.05, 0.3, 0.6, 0.9}) {
      cutTo(whole, share);
      assertThatThrownBy(() -> JournalDatabase.open(settings()))
          .as("%.0f %% of the file", share * 100)
          .isInstanceOf(EngineException.class)
          .satisfies(
              failure ->
                  assertThat(failure.getMessage())
                      .containsAnyOf("entries up to 400 were stored", "cannot be used"));
    }
    cutTo(whole, 1);
    try (JournalDatabase database = JournalDatabase.open(settings())) {
      assertThat(database.read()).hasSize(400);
    }
    cutTo(whole, 0.6);
    Files.delete(folder.resolve("journal.mark"));
    try (JournalDatabase database = JournalDatabase.open(settings())) {
      assertThat(database.read()).as("the operator has decided").hasSizeBetween(1, 399);
    }
  }

  @Test
  void whatWasFlushedIsInTheFile() throws Exception {
    Path killed = Files.createDirectory(folder.resolve("killed"));
    try (JournalDatabase database = JournalDatabase.open(settings())) {
      database.delete(List.of("nobody")); // marks; the next mark is due a second later
      for (int i = 0; i < 30; i++) {
        write(10, FactCodec.bytes(new PromptFact.Placed(1)));
        database.flush();
        write(1, FactCodec.bytes(new PromptFact.Placed(1))); // nobody was told that it is stored
        database.delete(List.of("nobody " + i));
        Files.copy(
            folder.resolve("journal.mark"),
            killed.resolve("journal.mark"),
            StandardCopyOption.REPLACE_EXISTING);
        Files.copy(file(), killed.resolve("journal.mv.db"), StandardCopyOption.REPLACE_EXISTING);
        try (JournalDatabase again = JournalDatabase.open(JournalSettings.file(killed))) {
          assertThat(again.read()).hasSizeGreaterThanOrEqualTo((i + 1) * 10);
        }
      }
    }
  }

  @Test
  void deletingTheLastEntriesIsNoLoss() throws Exception {
    live(10);
    try (JournalDatabase database = JournalDatabase.open(settings())) {
      List<String> ids = database.read().stream().map(JournalDatabase.Entry::promptId).toList();
      database.delete(ids.subList(5, 10));
    }
    try (JournalDatabase database = JournalDatabase.open(settings())) {
      assertThat(database.read()).hasSize(5);
    }
  }

  @Test
  void aFileThatIsNoDatabaseIsNamed() throws Exception {
    Files.writeString(file(), "this is not a database\n".repeat(500));
    assertThatThrownBy(() -> JournalDatabase.open(settings()))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("cannot be used")
        .hasMessageContaining("journal");
  }

  @Test
  void entriesThatCannotBeReadAreSetAsideAndTheOthersAreThere() throws Exception {
    try (JournalDatabase database = JournalDatabase.open(settings())) {
      write(2, FactCodec.bytes(new PromptFact.Placed(1)));
      write(1, "{\"v\":1,\"type\":\"que".getBytes(StandardCharsets.UTF_8));
      write(1, "{\"v\":7,\"type\":\"queued\"}".getBytes(StandardCharsets.UTF_8));
      Recovered recovered = Recovered.of(database.read());
      assertThat(recovered.open()).isEmpty();
      assertThat(recovered.setAside()).hasSize(4);
      assertThat(recovered.setAside().values())
          .anyMatch(why -> why.contains("is not JSON"))
          .anyMatch(why -> why.contains("version 7"))
          .anyMatch(why -> why.contains("the first entry is missing"));
    }
  }

  @Test
  void aDatabaseOfANewerVersionIsRefused() throws Exception {
    JournalDatabase.open(settings()).close();
    JournalSettings to = settings();
    try (Connection connection = DriverManager.getConnection(to.url(), to.user(), to.password())) {
      connection.createStatement().execute("INSERT INTO quartet_schema (step) VALUES (99)");
    }
    assertThatThrownBy(() -> JournalDatabase.open(settings()))
        .hasMessageContaining("made by a newer version (step 99");
  }
}
