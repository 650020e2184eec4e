package quartet.cluster.journal;

import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.typesafe.config.ConfigFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.cluster.job.FactSerializer;
import quartet.cluster.job.PromptEntity;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptLife;
import quartet.cluster.telemetry.Recorder;
import quartet.engine.exec.ExecutionOutcome;

/** The journal on an H2 file: what is answered for is there for the next start. */
final class JournalTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static PromptFact.Queued queued(String id, double number) {
    return new PromptFact.Queued(
        new PromptJob(
            id,
            number,
            JsonNodeFactory.instance.objectNode().put("text", "x".repeat(5000)),
            JsonNodeFactory.instance.objectNode(),
            List.of("9"),
            "c",
            Instant.ofEpochMilli(1000)),
        null,
        Set.of(),
        (long) number);
  }

  private static PromptFact.Ended ended(long at) {
    return new PromptFact.Ended(0, new ExecutionOutcome.Succeeded(Map.of()), List.of(), at - 1, at);
  }

  @Test
  void factsSurviveAndBadEntriesAreSetAside(@TempDir Path folder) throws SQLException {
    JournalSettings settings = JournalSettings.file(folder);
    try (JournalDatabase database = JournalDatabase.open(settings)) {
      assertThat(database.read()).isEmpty();
      ActorTestKit kit =
          ActorTestKit.create(
              settings
                  .akka()
                  .withFallback(
                      ConfigFactory.parseString(
                          """
                          akka.persistence.journal.plugin = "jdbc-journal"
                          jdbc-journal.use-shared-db = "slick"
                          akka-persistence-jdbc.shared-databases.slick.db {
                            numThreads = 2, maxConnections = 2, minConnections = 1 }
                          """))
                  .withFallback(ConfigFactory.load()));
      try {
        ActorRef<JournalProtocol.Command> journal =
            kit.spawn(PromptJournal.create(database, Recorder.NONE));
        TestProbe<JournalProtocol.Answer> answers = kit.createTestProbe();
        journal.tell(new JournalProtocol.Expect("p1"));
        journal.tell(new JournalProtocol.Expect("never"));
        for (int i = 0; i < 4; i++) {
          PromptFact.Queued entry = queued("p" + i, i);
          journal.tell(
              new JournalProtocol.Accept(
                  "p" + i, List.of(entry, new PromptFact.Placed(0)), answers.ref()));
          assertThat(answers.receiveMessage(PATIENCE))
              .isEqualTo(new JournalProtocol.Stored(new PromptLife.Placed(entry, 0, 0)));
        }
        journal.tell(new JournalProtocol.Note("p0", new PromptFact.Started(0, 5), null));
        journal.tell(new JournalProtocol.Note("p0", ended(6), answers.ref()));
        journal.tell(new JournalProtocol.Note("p0", ended(6), null));
        journal.tell(new JournalProtocol.Expect("p2"));
        journal.tell(new JournalProtocol.Note("p2", new PromptFact.Started(0, 7), answers.ref()));
        answers.receiveSeveralMessages(2, PATIENCE);
        TestProbe<Done> done = kit.createTestProbe();
        journal.tell(new JournalProtocol.Forget(Set.of("p3", "never"), done.ref()));
        done.receiveMessage(PATIENCE);
      } finally {
        kit.shutdownTestKit();
      }
      insert(settings, "p8", FactSerializer.ID, "{\"v\":7,\"type\":\"queued\"}");
      insert(settings, "p9", 1, "anything");
    }
    try (JournalDatabase again = JournalDatabase.open(settings)) {
      Recovered recovered = Recovered.of(again.read());
      assertThat(recovered.open())
          .extracting(open -> open.job().promptId() + " " + open.ran() + " " + open.attempts())
          .containsExactly("p2 true 1", "p1 false 0");
      assertThat(recovered.records())
          .singleElement()
          .satisfies(record -> assertThat(record.endedMillis()).isEqualTo(6));
      assertThat(recovered.counter()).isEqualTo(3);
      assertThat(recovered.setAside()).containsOnlyKeys("p8", "p9");
      assertThat(recovered.setAside().get("p8")).contains("version 7");
    }
  }

  private static void insert(
      JournalSettings settings, String promptId, int serializer, String payload)
      throws SQLException {
    try (Connection connection =
            DriverManager.getConnection(settings.url(), settings.user(), settings.password());
        PreparedStatement insert =
            connection.prepareStatement(
                JournalSchema.quoted(
                    settings,
                    "INSERT INTO event_journal (persistence_id, sequence_number, writer,"
                        + " write_timestamp, adapter_manifest, event_payload, event_ser_id,"
                        + " event_ser_manifest) VALUES (?, 1, '', 0, '', ?, ?, '')"))) {
      insert.setString(1, PromptEntity.id(promptId).id());
      insert.setBytes(2, payload.getBytes(StandardCharsets.UTF_8));
      insert.setInt(3, serializer);
      insert.executeUpdate();
    }
  }
}
