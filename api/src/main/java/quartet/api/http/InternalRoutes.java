package quartet.api.http;

import akka.actor.typed.DispatcherSelector;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import quartet.api.auth.Principal;
import quartet.api.wire.Json;
import quartet.api.wire.LogJson;
import quartet.api.ws.SocketHub;
import quartet.engine.files.ModelKeys;

/** {@code /internal}: log lines, folders, and newest files, as the front end's own tools ask. */
final class InternalRoutes extends AllDirectives {
  private final ServerParts parts;
  private final PictureFolders folders;
  private final Executor blocking;
  private final Bodies bodies = new Bodies();
  private final Owned owned = new Owned();

  InternalRoutes(ServerParts parts) {
    this.parts = parts;
    this.folders = new PictureFolders(parts.folders());
    this.blocking = parts.system().dispatchers().lookup(DispatcherSelector.blocking());
  }

  Route route() {
    return pathPrefix(
        "internal",
        () ->
            concat(
                pathPrefix("logs", () -> owned.watchersOnly(this::logs)),
                path(
                    "folder_paths",
                    () ->
                        get(() -> owned.watchersOnly(() -> complete(Replies.json(folderPaths()))))),
                path(
                    PathMatchers.segment("files").slash(PathMatchers.segment()),
                    type ->
                        get(
                            () ->
                                owned.watchersOnly(
                                    () ->
                                        completeWithFuture(
                                            CompletableFuture.supplyAsync(
                                                () -> files(type), blocking)))))));
  }

  private Route logs() {
    return concat(
        pathEnd(
            () ->
                get(
                    () ->
                        complete(
                            Replies.json(TextNode.valueOf(LogJson.text(parts.logs().lines())))))),
        path("raw", () -> get(() -> complete(Replies.json(LogJson.of(parts.logs().lines()))))),
        path(
            "subscribe",
            () ->
                patch(() -> owned.as(who -> bodies.json(json -> complete(subscribe(who, json)))))));
  }

  private HttpResponse subscribe(Principal who, JsonNode json) {
    String sid = json.path("clientId").asText();
    if (sid.isEmpty()) {
      return Replies.text(StatusCodes.BAD_REQUEST, "clientId is missing");
    }
    parts
        .hub()
        .tell(new SocketHub.WatchLog(who.address(sid), json.path("enabled").asBoolean(false)));
    return Replies.empty(StatusCodes.OK);
  }

  private ObjectNode folderPaths() {
    ObjectNode all = Json.object();
    for (String key : ModelKeys.all()) {
      ArrayNode paths = all.putArray(key);
      parts.folders().modelFolders(key).forEach(folder -> paths.add(folder.toString()));
    }
    return all;
  }

  private HttpResponse files(String type) {
    Optional<Path> root = folders.root(type);
    if (root.isEmpty()) {
      return Replies.json(
          StatusCodes.BAD_REQUEST, Json.object().put("error", "Invalid directory type"));
    }
    ArrayNode names = JsonNodeFactory.instance.arrayNode();
    newestFirst(root.get()).forEach(names::add);
    return Replies.json(names);
  }

  /** Times are read once: a file that changes during the sort must not confuse it. */
  private static java.util.List<String> newestFirst(Path folder) {
    try (Stream<Path> found = Files.list(folder)) {
      Map<String, FileTime> times =
          found
              .filter(
                  file ->
                      Files.isRegularFile(file) && !file.getFileName().toString().startsWith("."))
              .collect(
                  Collectors.toMap(
                      file -> file.getFileName().toString(), InternalRoutes::modified));
      return times.entrySet().stream()
          .sorted(
              Map.Entry.<String, FileTime>comparingByValue(Comparator.reverseOrder())
                  .thenComparing(Map.Entry.comparingByKey()))
          .map(Map.Entry::getKey)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + folder, e);
    }
  }

  private static FileTime modified(Path file) {
    try {
      return Files.getLastModifiedTime(file);
    } catch (IOException e) {
      return FileTime.fromMillis(0); // gone in the meantime
    }
  }
}
