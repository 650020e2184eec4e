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

/**
 * {@code /users} and {@code /settings}: one user, called {@code default}, whose settings stand in
 * one file.
 */
final class UserRoutes extends AllDirectives {
  private static final Logger LOG = LoggerFactory.getLogger(UserRoutes.class);
  private static final String FILE = "comfy.settings.json";

  private final Path user;
  private final Executor blocking;
  private final Bodies bodies = new Bodies();
  private final Object oneWriter = new Object();

  UserRoutes(ServerParts parts) {
    this.user = UserDataRoutes.root(parts);
    this.blocking = parts.system().dispatchers().lookup(DispatcherSelector.blocking());
  }

  Route route() {
    return concat(
        path(
            "users",
            () ->
                concat(
                    get(() -> complete(Replies.json(users()))),
                    post(
                        () ->
                            complete(
                                Replies.json(
                                    StatusCodes.BAD_REQUEST,
                                    Json.object()
                                        .put("error", "this server has one user only")))))),
        path(
            PathMatchers.segment("settings").slash(PathMatchers.segment()),
            id ->
                concat(
                    get(() -> elsewhere(() -> Replies.json(one(id)))),
                    post(
                        () ->
                            bodies.json(
                                value -> elsewhere(() -> merge(Json.object().set(id, value))))))),
        path(
            "settings",
            () ->
                concat(
                    get(() -> elsewhere(() -> Replies.json(read()))),
                    post(() -> bodies.json(json -> elsewhere(() -> merge(json)))))));
  }

  private Route elsewhere(Supplier<HttpResponse> work) {
    return completeWithFuture(CompletableFuture.supplyAsync(work, blocking));
  }

  private ObjectNode users() {
    return Json.object().put("storage", "server").put("migrated", Files.isDirectory(user));
  }

  private JsonNode one(String id) {
    JsonNode value = read().get(id);
    return value == null ? NullNode.getInstance() : value;
  }

  /** A file that cannot be understood is as good as none: the front end starts with defaults. */
  private ObjectNode read() {
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

  private HttpResponse merge(JsonNode changes) {
    if (!(changes instanceof ObjectNode object)) {
      return Replies.text(StatusCodes.BAD_REQUEST, "settings are an object");
    }
    synchronized (oneWriter) {
      ObjectNode settings = read();
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
