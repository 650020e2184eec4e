package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.ActorSystem;
import akka.coordination.lease.javadsl.Lease;
import akka.coordination.lease.javadsl.LeaseProvider;
import com.typesafe.config.ConfigFactory;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import quartet.cluster.journal.JournalDatabase;
import quartet.cluster.journal.JournalSettings;

/** Who has the lease of a split cluster, in a real database. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class LeaseTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private PostgresServer postgres;
  private JournalSettings settings;

  @BeforeAll
  void tables() throws Exception {
    postgres = PostgresServer.start();
    settings = JournalSettings.of(postgres.url(), "quartet", "");
    JournalDatabase.open(settings).close();
  }

  @AfterAll
  void stop() throws Exception {
    if (postgres != null) {
      postgres.close();
    }
  }

  /** Lapses as slowly as the product's does, or sooner. */
  private ActorSystem server(String timeout) {
    return ActorSystem.create(
        "lease",
        ConfigFactory.parseString(
                "quartet-lease { heartbeat-interval = 100ms, heartbeat-timeout = " + timeout + " }")
            .withFallback(settings.akka())
            .withFallback(
                ConfigFactory.parseResources("quartet-cluster.conf").withOnlyPath("quartet-lease"))
            .withFallback(ConfigFactory.load()));
  }

  private static Lease lease(ActorSystem system, String name, String owner) {
    return LeaseProvider.get(system).getLease(name, "quartet-lease", owner);
  }

  private static boolean asks(Lease lease) throws Exception {
    return lease.acquire().toCompletableFuture().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  @Test
  void whoLivesKeepsItAndWhoDiesDoesNot() throws Exception {
    ActorSystem a = server("1s");
    ActorSystem b = server("1s");
    try {
      Lease ofA = lease(a, "death", "a:1");
      Lease ofB = lease(b, "death", "b:1");
      assertThat(asks(ofA)).isTrue();
      Instant lapses = expires("death");
      await(() -> databaseTime().isAfter(lapses)); // by its renewals alone it is still held
      assertThat(asks(ofB)).isFalse();
      assertThat(ofA.checkLease()).isTrue();
      assertThat(ofB.checkLease()).isFalse();

      a.terminate(); // nothing is given back, as after kill -9
      await(() -> asks(ofB));
      assertThat(ofB.checkLease()).isTrue();
    } finally {
      a.terminate();
      b.terminate();
    }
  }

  @Test
  void whatIsGivenBackIsFreeAtOnce() throws Exception {
    ActorSystem a = server("10 minutes");
    ActorSystem b = server("10 minutes");
    try {
      Lease ofA = lease(a, "back", "a:1");
      Lease ofB = lease(b, "back", "b:1");
      assertThat(asks(ofA)).isTrue();
      assertThat(asks(ofA)).as("its own owner may ask again").isTrue();
      assertThat(asks(ofB)).isFalse();
      ofA.release().toCompletableFuture().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      assertThat(ofA.checkLease()).isFalse();
      assertThat(asks(ofB)).isTrue();
    } finally {
      a.terminate();
      b.terminate();
    }
  }

  @Test
  void aHolderHearsThatItsLeaseWasTaken() throws Exception {
    ActorSystem a = server("1s");
    try {
      Lease ofA = lease(a, "taken", "a:1");
      java.util.concurrent.CompletableFuture<Boolean> heard =
          new java.util.concurrent.CompletableFuture<>();
      assertThat(
              ofA.acquire(why -> heard.complete(true))
                  .toCompletableFuture()
                  .get(PATIENCE.toSeconds(), TimeUnit.SECONDS))
          .isTrue();
      execute("UPDATE quartet_lease SET owner = 'b:1' WHERE name = 'taken'"); // it was frozen
      assertThat(heard.get(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(ofA.checkLease()).isFalse();
    } finally {
      a.terminate();
    }
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void await(Condition condition) throws Exception {
    Instant end = Instant.now().plus(PATIENCE);
    while (!condition.holds()) {
      assertThat(Instant.now()).isBefore(end);
      LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
    }
  }

  private Instant databaseTime() throws Exception {
    return instant("SELECT now()");
  }

  private Instant expires(String name) throws Exception {
    return instant("SELECT expires FROM quartet_lease WHERE name = '" + name + "'");
  }

  private Instant instant(String query) throws Exception {
    try (Connection database = DriverManager.getConnection(postgres.url(), "quartet", "");
        Statement statement = database.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      assertThat(row.next()).isTrue();
      return row.getTimestamp(1).toInstant();
    }
  }

  private void execute(String change) throws Exception {
    try (Connection database = DriverManager.getConnection(postgres.url(), "quartet", "");
        Statement statement = database.createStatement()) {
      assertThat(statement.executeUpdate(change)).isEqualTo(1);
    }
  }
}
