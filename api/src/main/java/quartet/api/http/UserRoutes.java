package quartet.api.http;

import akka.actor.typed.DispatcherSelector;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.api.wire.Json;
import quartet.engine.files.AtomicFiles;

/** {@code /users} and {@code /settings}: each user's settings stand in one file. */
final class UserRoutes extends AllDirectives {
  private static final Logger LOG = LoggerFactory.getLogger(UserRoutes.class);
  private static final String FILE = "comfy.settings.json";

  private final Users users;
  private final Executor blocking;
  private final Bodies bodies = new Bodies();
  private final Object oneWriter = new Object();

  UserRoutes(ServerParts parts, Users users) {
    this.users = users;
    this.blocking = parts.system().dispatchers().lookup(DispatcherSelector.blocking());
  }

  Route route() {
    return concat(
        path(
            "users",
            () ->
                concat(
                    get(() -> elsewhere(() -> Replies.json(users.json()))),
                    post(() -> bodies.json(json -> elsewhere(() -> add(json)))))),
        path(
            PathMatchers.segment("settings").slash(PathMatchers.segment()),
            id ->
                concat(
                    get(() -> users.folder(user -> elsewhere(() -> Replies.json(one(user, id))))),
                    post(
                        () ->
                            users.folder(
                                user ->
                                    bodies.json(
                                        value ->
                                            elsewhere(
                                                () ->
                                                    merge(user, Json.object().set(id, value)))))))),
        path(
            "settings",
            () ->
                concat(
                    get(() -> users.folder(user -> elsewhere(() -> Replies.json(read(user))))),
                    post(
                        () ->
                            users.folder(
                                user ->
                                    bodies.json(json -> elsewhere(() -> merge(user, json))))))));
  }

  private Route elsewhere(Supplier<HttpResponse> work) {
    return completeWithFuture(CompletableFuture.supplyAsync(work, blocking));
  }

  private HttpResponse add(JsonNode request) {
    try {
      return Replies.json(TextNode.valueOf(users.add(request)));
    } catch (Users.Refused e) {
      return Replies.json(
          StatusCodes.BAD_REQUEST, Json.object().put("error", String.valueOf(e.getMessage())));
    } catch (IOException e) {
      return Replies.text(
          StatusCodes.INTERNAL_SERVER_ERROR,
          "the user could not be stored: " + e + ". Is the disk full or read-only?");
    }
  }

  private JsonNode one(Path user, String id) {
    JsonNode value = read(user).get(id);
    return value == null ? NullNode.getInstance() : value;
  }

  /** A file that cannot be understood is as good as none: the front end starts with defaults. */
  private ObjectNode read(Path user) {
    Path file = user.resolve(FILE);
    try {
      return Json.parse(Files.readAllBytes(file)) instanceof ObjectNode settings
          ? settings
          : Json.object();
    } catch (NoSuchFileException e) {
      return Json.object();
    } catch (JsonProcessingException e) {
      LOG.warn("{} is not JSON and is not used: {}", file, e.getOriginalMessage());
    } catch (IOException e) {
      LOG.warn("{} cannot be read: {}", file, e.toString());
    }
    return Json.object();
  }

  private HttpResponse merge(Path user, JsonNode changes) {
    if (!(changes instanceof ObjectNode object)) {
      return Replies.text(StatusCodes.BAD_REQUEST, "settings are an object");
    }
    synchronized (oneWriter) {
      ObjectNode settings = read(user);
      settings.setAll(object);
      try {
        AtomicFiles.write(user.resolve(FILE), Json.bytes(settings));
      } catch (IOException e) {
        return Replies.text(
            StatusCodes.INTERNAL_SERVER_ERROR,
            "the settings could not be stored: " + e + ". Is the disk full or read-only?");
      }
    }
    return Replies.empty(StatusCodes.OK);
  }
}
