package quartet.api.http;

import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import quartet.api.auth.Principal;
import quartet.api.wire.Json;
import quartet.engine.files.AtomicFiles;

/**
 * Whose files are meant: of the holder of a key those below the key's name; with {@code
 * --multi-user} those of the user that the header {@code Comfy-User} names; else those of the one
 * user, called {@code default}.
 */
final class Users extends AllDirectives {
  private static final String HEADER = "Comfy-User";
  private static final String ONLY = "default";
  private static final String FILE = "users.json";
  private static final int LONGEST_NAME = 100;

  private final Path root;
  private final boolean multi;
  private final Owned owned = new Owned();
  private final Object oneWriter = new Object();

  Users(ServerParts parts) {
    this.root = parts.folders().user();
    this.multi = parts.web().multiUser();
  }

  /** A name that cannot be given to a new user. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    Refused(String why) {
      super(why);
    }
  }

  /** A route over the files of the one who asks; 401 for a user that does not exist. */
  Route folder(Function<Path, Route> route) {
    return owned.as(
        who ->
            who.name().isEmpty()
                ? optionalHeaderValueByName(HEADER, name -> named(name.orElse(""), route))
                : route.apply(ofKey(who)));
  }

  private Path ofKey(Principal who) {
    return root.resolve(who.name());
  }

  private Route named(String user, Function<Path, Route> route) {
    if (!multi) {
      return route.apply(root.resolve(ONLY));
    }
    return read().has(user)
        ? route.apply(root.resolve(user))
        : complete(
            Replies.text(
                StatusCodes.UNAUTHORIZED,
                "there is no user '%s'; the header %s names one of GET /users"
                    .formatted(user, HEADER)));
  }

  /** As {@code GET /users} shows it. */
  ObjectNode json() {
    ObjectNode json = Json.object().put("storage", "server");
    if (multi) {
      json.set("users", read());
    } else {
      json.put("migrated", Files.isDirectory(root.resolve(ONLY)));
    }
    return json;
  }

  /**
   * The id of a new user.
   *
   * @throws Refused if there cannot be one of that name
   */
  String add(JsonNode request) throws Refused, IOException {
    if (!multi) {
      throw new Refused("this server has one user only (--multi-user)");
    }
    String name = request.path("username").asText("").strip();
    if (name.isEmpty() || name.length() > LONGEST_NAME || name.startsWith("__")) {
      throw new Refused(
          "a username has 1 to %d characters and does not start with __".formatted(LONGEST_NAME));
    }
    synchronized (oneWriter) {
      ObjectNode users = read();
      for (Map.Entry<String, JsonNode> user : users.properties()) {
        if (user.getValue().asText().equals(name)) {
          throw new Refused("Duplicate username.");
        }
      }
      String id = name.replaceAll("[^A-Za-z0-9_-]", "-") + "_" + UUID.randomUUID();
      AtomicFiles.write(root.resolve(FILE), Json.bytes(users.put(id, name)));
      return id;
    }
  }

  private ObjectNode read() {
    try {
      Path file = root.resolve(FILE);
      return Files.exists(file) && Json.parse(Files.readAllBytes(file)) instanceof ObjectNode users
          ? users
          : Json.object();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(
          root.resolve(FILE) + " is not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(root.resolve(FILE) + " cannot be read", e);
    }
  }
}
