package quartet.cluster.journal;

import akka.actor.ExtendedActorSystem;
import akka.actor.Scheduler;
import akka.coordination.lease.LeaseSettings;
import akka.coordination.lease.javadsl.Lease;
import com.typesafe.config.Config;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.concurrent.ExecutionContext;

/**
 * A row in the shared database that one server at a time can have: the side of a split cluster that
 * gets it goes on. Made by Akka's split-brain resolver, from {@code quartet-lease} in the
 * configuration. Times are the database's, so that servers' clocks do not matter.
 *
 * <p>The resolver asks for it once and gives it back {@code release-after} later. In between it is
 * renewed every {@code heartbeat-interval} and lapses {@code heartbeat-timeout} after the last
 * renewal. So whoever lives keeps it from the side that lost; whoever dies does not keep it from
 * the servers that are left, which ask for it seconds later, when they are sure of that death.
 *
 * <p>Thread: any.
 */
public final class DatabaseLease extends Lease {
  private static final Logger LOG = LoggerFactory.getLogger(DatabaseLease.class);

  private static final String ACQUIRE =
      """
      INSERT INTO quartet_lease (name, owner, expires)
      VALUES (?, ?, now() + %1$d * interval '1 millisecond')
      ON CONFLICT (name) DO UPDATE SET owner = EXCLUDED.owner, expires = EXCLUDED.expires
      WHERE quartet_lease.owner = EXCLUDED.owner OR quartet_lease.expires < now()
      """;
  private static final String RENEW =
      """
      UPDATE quartet_lease SET expires = now() + %1$d * interval '1 millisecond'
      WHERE name = ? AND owner = ?
      """;
  private static final String RELEASE = "DELETE FROM quartet_lease WHERE name = ? AND owner = ?";

  private final LeaseSettings settings;
  private final Scheduler scheduler;
  private final ExecutionContext dispatcher;
  private final Config database;
  private final Executor blocking;
  private final AtomicReference<@Nullable Holding> holding = new AtomicReference<>();

  /**
   * Held at least until then.
   *
   * @param untilNanos by {@link System#nanoTime}
   * @param lost hears that it is held no more
   */
  private record Holding(long untilNanos, Consumer<Optional<Throwable>> lost) {
    boolean isOver() {
      return System.nanoTime() - untilNanos > 0;
    }
  }

  /** As Akka makes leases. */
  public DatabaseLease(LeaseSettings settings, ExtendedActorSystem system) {
    this.settings = settings;
    this.scheduler = system.scheduler();
    this.dispatcher = system.dispatcher();
    this.database =
        system.settings().config().getConfig("akka-persistence-jdbc.shared-databases.slick.db");
    this.blocking = system.dispatchers().lookup("akka.actor.default-blocking-io-dispatcher");
  }

  @Override
  public LeaseSettings getSettings() {
    return settings;
  }

  @Override
  public CompletionStage<Boolean> acquire() {
    return acquire(lost -> {});
  }

  @Override
  public CompletionStage<Boolean> acquire(Consumer<Optional<Throwable>> leaseLostCallback) {
    long asked = System.nanoTime();
    return inDatabase(ACQUIRE)
        .thenApply(
            got -> {
              if (got) {
                hold(asked, leaseLostCallback);
              }
              return got;
            });
  }

  private void hold(long asked, Consumer<Optional<Throwable>> lost) {
    Holding now = new Holding(asked + timeout().toNanos(), lost);
    holding.set(now);
    renewLater(now);
  }

  private Duration timeout() {
    return settings.timeoutSettings().getHeartbeatTimeout();
  }

  private void renewLater(Holding now) {
    scheduler.scheduleOnce(
        settings.timeoutSettings().getHeartbeatInterval(), () -> renew(now), dispatcher);
  }

  private void renew(Holding now) {
    if (!now.equals(holding.get())) {
      return; // given back, or acquired anew
    }
    long asked = System.nanoTime();
    CompletableFuture<Boolean> _ =
        inDatabase(RENEW)
            .whenComplete(
                (still, failure) -> {
                  if (!now.equals(holding.get())) {
                    return;
                  }
                  if (failure == null && still) {
                    hold(asked, now.lost());
                  } else if (failure == null || now.isOver()) {
                    LOG.warn(
                        "The lease {} is lost: {}",
                        settings.leaseName(),
                        failure == null ? "another server has it" : failure.toString());
                    holding.set(null);
                    now.lost().accept(Optional.ofNullable(failure));
                  } else {
                    renewLater(now);
                  }
                });
  }

  @Override
  public CompletionStage<Boolean> release() {
    holding.set(null);
    return inDatabase(RELEASE).thenApply(was -> true);
  }

  /** Whether the row is this server's after the statement. */
  private CompletableFuture<Boolean> inDatabase(String sql) {
    return CompletableFuture.supplyAsync(
        () -> {
          try (Connection connection =
                  DriverManager.getConnection(
                      database.getString("url"),
                      database.getString("user"),
                      database.getString("password"));
              PreparedStatement statement =
                  connection.prepareStatement(sql.formatted(timeout().toMillis()))) {
            statement.setString(1, settings.leaseName());
            statement.setString(2, settings.ownerName());
            return statement.executeUpdate() > 0;
          } catch (SQLException e) {
            throw new CompletionException(e);
          }
        },
        blocking);
  }

  @Override
  public boolean checkLease() {
    Holding now = holding.get();
    return now != null && !now.isOver();
  }
}
