package quartet.cluster.journal;

import akka.actor.ExtendedActorSystem;
import akka.coordination.lease.LeaseSettings;
import akka.coordination.lease.javadsl.Lease;
import com.typesafe.config.Config;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * A row in the shared database that one server at a time can have: the side of a split cluster that
 * gets it goes on. Made by Akka's split-brain resolver, from {@code quartet-lease} in the
 * configuration. Times are the database's, so that servers' clocks do not matter.
 *
 * <p>It is not renewed: the resolver asks for it once and gives it back after {@code
 * release-after}, which is shorter than the time for which it is given.
 */
public final class DatabaseLease extends Lease {
  private static final int EXPIRES_SECONDS = 60;

  private final LeaseSettings settings;
  private final String name;
  private final String owner;
  private final Config database;
  private final Executor blocking;
  private final AtomicBoolean held = new AtomicBoolean();

  /** As Akka makes leases. */
  public DatabaseLease(LeaseSettings settings, ExtendedActorSystem system) {
    this.settings = settings;
    this.name = settings.leaseName();
    this.owner = settings.ownerName();
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
    return inDatabase(
        """
        INSERT INTO quartet_lease (name, owner, expires)
        VALUES (?, ?, now() + interval '%d seconds')
        ON CONFLICT (name) DO UPDATE SET owner = EXCLUDED.owner, expires = EXCLUDED.expires
        WHERE quartet_lease.owner = EXCLUDED.owner OR quartet_lease.expires < now()
        """
            .formatted(EXPIRES_SECONDS),
        true);
  }

  @Override
  public CompletionStage<Boolean> release() {
    return inDatabase("DELETE FROM quartet_lease WHERE name = ? AND owner = ?", false);
  }

  private CompletionStage<Boolean> inDatabase(String sql, boolean then) {
    return CompletableFuture.supplyAsync(
        () -> {
          try (Connection connection =
                  DriverManager.getConnection(
                      database.getString("url"),
                      database.getString("user"),
                      database.getString("password"));
              PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, name);
            statement.setString(2, owner);
            boolean done = statement.executeUpdate() > 0;
            held.set(then && done);
            return done || !then;
          } catch (SQLException e) {
            throw new CompletionException(e);
          }
        },
        blocking);
  }

  @Override
  public boolean checkLease() {
    return held.get();
  }
}
