package quartet.api.http;

import akka.actor.typed.DispatcherSelector;
import akka.http.javadsl.model.headers.RawHeader;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import quartet.api.wire.Json;

/**
 * What a front end asks for beside the queue: its own files, and what plug-ins would add to it
 * (nothing: plug-ins here are Java).
 */
final class FrontEndRoutes extends AllDirectives {
  private static final int DEEPEST = 16;

  private final @Nullable Path root;
  private final Executor blocking;
  private final FileReplies files = new FileReplies();

  FrontEndRoutes(ServerParts parts) {
    this.root = parts.web().frontEndRoot();
    this.blocking = parts.system().dispatchers().lookup(DispatcherSelector.blocking());
  }

  /** Routes that exist with and without {@code /api}. */
  Route route() {
    return concat(
        path(
            "extensions",
            () ->
                get(
                    () ->
                        completeWithFuture(
                            CompletableFuture.supplyAsync(
                                () -> Replies.json(scripts()), blocking)))),
        path("i18n", () -> always(Json.object())),
        path("workflow_templates", () -> always(Json.object())),
        path("global_subgraphs", () -> always(Json.object())),
        path(
            PathMatchers.segment("global_subgraphs").slash(PathMatchers.segment()),
            id -> always(NullNode.getInstance())),
        path("node_replacements", () -> always(Json.object())));
  }

  private Route always(JsonNode answer) {
    return get(() -> complete(Replies.json(answer)));
  }

  /** The chosen front end's files; to be asked last. */
  Route files() {
    @Nullable Path folder = root;
    if (folder == null) {
      return reject();
    }
    return concat(
        pathSingleSlash(() -> index(folder)),
        path("index.html", () -> index(folder)),
        path(PathMatchers.remaining(), name -> file(folder, PictureFolders.decoded(name))));
  }

  /** The page that names all others must never be an old one. */
  private Route index(Path folder) {
    return respondWithHeaders(
        java.util.List.of(
            RawHeader.create("Cache-Control", "no-cache"),
            RawHeader.create("Pragma", "no-cache"),
            RawHeader.create("Expires", "0")),
        () -> file(folder, "index.html"));
  }

  private Route file(Path folder, String name) {
    return switch (PictureFolders.file(folder, "", name)) {
      case PictureFolders.NoName ignored -> reject();
      case PictureFolders.Outside ignored -> reject();
      case PictureFolders.Inside inside ->
          Files.isRegularFile(inside.file())
              ? get(
                  () ->
                      files.send(
                          inside.file(),
                          ContentKinds.ofPage(inside.file().getFileName().toString()),
                          "inline; "))
              : reject();
    };
  }

  private ArrayNode scripts() {
    ArrayNode all = JsonNodeFactory.instance.arrayNode();
    @Nullable Path folder = root == null ? null : root.resolve("extensions");
    if (folder != null && Files.isDirectory(folder)) {
      try (Stream<Path> found = Files.walk(folder, DEEPEST)) {
        found
            .filter(file -> file.toString().endsWith(".js") && Files.isRegularFile(file))
            .sorted()
            .forEach(file -> all.add("/extensions/" + UserDataLists.relative(folder, file)));
      } catch (IOException e) {
        throw new java.io.UncheckedIOException("cannot list " + folder, e);
      }
    }
    return all;
  }
}
