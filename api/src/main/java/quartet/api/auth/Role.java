package quartet.api.auth;

import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** What the holder of a key may do. */
public enum Role {
  /** Everything, with everybody's prompts. */
  ADMIN,
  /** Runs prompts; sees and changes only those. */
  USER,
  /** Sees everything, changes nothing: for dashboards and monitoring. */
  READ_ONLY;

  /** As it is written in the file of keys. */
  public String text() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The role of that name. */
  public static Optional<Role> named(String text) {
    return Stream.of(values()).filter(role -> role.text().equals(text)).findFirst();
  }
}
