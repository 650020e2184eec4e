package quartet.api.auth;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import quartet.errors.EngineException;

/**
 * The keys of a server, from a file with a line {@code name:role:quota:sha256} for each. Only
 * hashes are kept: a key has 256 random bits, so a plain hash cannot be turned round. Immutable.
 */
public final class ApiKeys {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][-\\w.@]{0,63}");
  private static final int FIELDS = 4;
  private static final int KEY_BYTES = 32;
  private static final int HASH_DIGITS = 64;

  private record Entry(Principal principal, String hash) {}

  private final List<Entry> entries;

  private ApiKeys(List<Entry> entries) {
    this.entries = List.copyOf(entries);
  }

  /**
   * Reads a file.
   *
   * @throws EngineException naming the line that is wrong; a file without keys is wrong too
   */
  public static ApiKeys read(Path file) {
    try {
      return parse(file.toString(), Files.readAllLines(file));
    } catch (IOException e) {
      throw new EngineException(
          AuthError.BAD_KEY_FILE,
          "The file of keys %s cannot be read: %s. Make one with: quartet key NAME --keys %s"
              .formatted(file, e, file),
          e);
    }
  }

  /**
   * How many keys these lines have.
   *
   * @throws EngineException naming the line that is wrong
   */
  public static int checked(String file, List<String> lines) {
    return parse(file, lines).entries.size();
  }

  static ApiKeys parse(String file, List<String> lines) {
    List<Entry> entries = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (!line.isEmpty() && !line.startsWith("#")) {
        Entry entry = entry(line, "%s, line %d".formatted(file, i + 1));
        if (!names.add(entry.principal().name())) {
          throw wrong(
              "%s, line %d: there is another key called '%s'"
                  .formatted(file, i + 1, entry.principal().name()));
        }
        entries.add(entry);
      }
    }
    if (entries.isEmpty()) {
      throw wrong(file + " has no keys; make one with: quartet key NAME --keys " + file);
    }
    return new ApiKeys(entries);
  }

  private static Entry entry(String line, String where) {
    String[] fields = line.split(":", -1);
    if (fields.length != FIELDS) {
      throw wrong(where + ": a line is name:role:quota:sha256");
    }
    if (!NAME.matcher(fields[0]).matches()) {
      throw wrong(where + ": '%s' is no name; use letters, digits, - _ . @".formatted(fields[0]));
    }
    Role role =
        Role.named(fields[1])
            .orElseThrow(
                () ->
                    wrong(
                        where
                            + ": '%s' is no role; write admin, user or read-only"
                                .formatted(fields[1])));
    if (!fields[2].matches("\\d{1,9}")) {
      throw wrong(where + ": '%s' is no quota; write 0 for no limit".formatted(fields[2]));
    }
    if (fields[3].length() != HASH_DIGITS || !fields[3].matches("[0-9a-f]+")) {
      throw wrong(where + ": the last field must be the SHA-256 of the key, 64 hex digits");
    }
    return new Entry(new Principal(fields[0], role, Integer.parseInt(fields[2])), fields[3]);
  }

  private static EngineException wrong(String text) {
    return new EngineException(AuthError.BAD_KEY_FILE, text);
  }

  /** The holder of a key. Takes the same time whichever key it is, and if it is none. */
  public Optional<Principal> find(String key) {
    byte[] hash = sha256(key).getBytes(StandardCharsets.US_ASCII);
    @Nullable Principal found = null;
    for (Entry entry : entries) {
      if (MessageDigest.isEqual(hash, entry.hash().getBytes(StandardCharsets.US_ASCII))) {
        found = entry.principal();
      }
    }
    return Optional.ofNullable(found);
  }

  /** How many keys there are. */
  public int size() {
    return entries.size();
  }

  /** A new key. */
  public static String newKey() {
    byte[] bytes = new byte[KEY_BYTES];
    new SecureRandom().nextBytes(bytes);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** The line of a key in the file. */
  public static String line(Principal principal, String key) {
    return "%s:%s:%d:%s"
        .formatted(principal.name(), principal.role().text(), principal.quota(), sha256(key));
  }

  private static String sha256(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this JDK has no SHA-256", e);
    }
  }
}
