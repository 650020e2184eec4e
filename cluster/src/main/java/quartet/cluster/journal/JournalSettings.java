package quartet.cluster.journal;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import quartet.errors.EngineException;

/**
 * Which database, and how Akka's journal reaches it.
 *
 * @param url JDBC address, {@code jdbc:h2:…} or {@code jdbc:postgresql:…}
 */
public record JournalSettings(String url, String user, String password) {
  private static final String H2 = "jdbc:h2:";
  private static final String POSTGRES = "jdbc:postgresql:";

  /**
   * A file below the data folder. {@code WRITE_DELAY=0}: H2 keeps half a second of commits in
   * memory otherwise; kill -9 takes those that nobody flushed, and a disk that fills up in that
   * time stops H2 for good, since it cannot write what it has already taken. {@code
   * DB_CLOSE_ON_EXIT=FALSE}: our own shutdown closes it, after the actors.
   */
  public static JournalSettings file(Path dataFolder) {
    return new JournalSettings(
        H2
            + "file:"
            + dataFolder.toAbsolutePath().resolve("journal")
            + ";WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE",
        "sa",
        "");
  }

  /**
   * A database named by the operator.
   *
   * @throws EngineException if it is neither H2 nor PostgreSQL
   */
  public static JournalSettings of(String url, @Nullable String user, @Nullable String password) {
    if (!url.startsWith(H2) && !url.startsWith(POSTGRES)) {
      throw new EngineException(
          JournalError.DATABASE_UNKNOWN,
          "--database must be jdbc:h2:… or jdbc:postgresql:…, and is " + url);
    }
    boolean h2 = url.startsWith(H2);
    return new JournalSettings(
        h2 && !url.contains("WRITE_DELAY") ? url + ";WRITE_DELAY=0" : url,
        user == null && h2 ? "sa" : user == null ? "" : user,
        password == null ? "" : password);
  }

  /** Whether the database is a file of one server. */
  public boolean isH2() {
    return url.startsWith(H2);
  }

  /** The database's file without its suffix, if it is a file of ours. */
  Optional<Path> h2File() {
    String prefix = H2 + "file:";
    if (!url.startsWith(prefix)) {
      return Optional.empty();
    }
    int options = url.indexOf(';');
    return Optional.of(
        Path.of(url.substring(prefix.length(), options < 0 ? url.length() : options)));
  }

  String driver() {
    return isH2() ? "org.h2.Driver" : "org.postgresql.Driver";
  }

  /** The address without what may be secret in it. */
  String shown() {
    return url.replaceAll("(?i)(password=)[^&;]*", "$1…");
  }

  /** Akka's settings for this database, to be laid over the application's. */
  public Config akka() {
    String db = "akka-persistence-jdbc.shared-databases.slick.";
    return ConfigFactory.parseMap(
        Map.of(
            db + "profile", isH2() ? "slick.jdbc.H2Profile$" : "slick.jdbc.PostgresProfile$",
            db + "db.driver", driver(),
            db + "db.url", url,
            db + "db.user", user,
            db + "db.password", password));
  }

  @Override
  public String toString() {
    return "JournalSettings[" + shown() + "]";
  }
}
