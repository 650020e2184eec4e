package quartet.api.http;

import akka.actor.typed.DispatcherSelector;
import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import quartet.api.wire.Json;
import quartet.engine.files.AtomicFiles;

/** {@code /userdata}: the front end's own files, such as saved workflows. */
final class UserDataRoutes extends AllDirectives {
  private static final String STYLE = "user.css";

  private final Users users;
  private final Executor blocking;
  private final Bodies bodies = new Bodies();
  private final FileReplies files = new FileReplies();

  UserDataRoutes(ServerParts parts, Users users) {
    this.users = users;
    this.blocking = parts.system().dispatchers().lookup(DispatcherSelector.blocking());
  }

  Route route() {
    return concat(
        pathPrefixTest("userdata", () -> users.folder(root -> new OfUser(root).route())),
        pathPrefixTest(
            PathMatchers.segment("v2").slash("userdata"),
            () -> users.folder(root -> new OfUser(root).route())));
  }

  /** The routes over one user's folder. */
  private final class OfUser {
    private final Path root;
    private final UserDataLists lists;

    OfUser(Path root) {
      this.root = root;
      this.lists = new UserDataLists(root);
    }

    Route route() {
      return concat(
          path(
              PathMatchers.segment("userdata")
                  .slash(PathMatchers.segment())
                  .slash("move")
                  .slash(PathMatchers.segment()),
              (from, to) -> post(() -> parameterMap(query -> move(from, to, query)))),
          path(
              PathMatchers.segment("userdata").slash(PathMatchers.segment()),
              name ->
                  concat(
                      get(() -> withFile(name, this::read)),
                      post(
                          () ->
                              parameterMap(
                                  query -> bodies.bytes(body -> write(name, body, query)))),
                      delete(() -> withFile(name, file -> elsewhere(() -> remove(file)))))),
          path(
              "userdata",
              () -> get(() -> parameterMap(query -> elsewhere(() -> lists.plain(query))))),
          path(
              PathMatchers.segment("v2").slash("userdata"),
              () ->
                  get(
                      () ->
                          parameterMap(
                              query ->
                                  elsewhere(() -> lists.tree(query.getOrDefault("path", "")))))));
    }

    private Route elsewhere(Work work) {
      return completeWithFuture(
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return work.run();
                } catch (FileAlreadyExistsException e) {
                  return Replies.empty(StatusCodes.CONFLICT);
                } catch (NoSuchFileException e) {
                  return Replies.empty(StatusCodes.NOT_FOUND);
                } catch (IOException e) {
                  return Replies.text(StatusCodes.BAD_REQUEST, "this file cannot be used: " + e);
                }
              },
              blocking));
    }

    private Route withFile(String name, Function<Path, Route> handler) {
      // Some clients encode twice; what still holds a percent sign is decoded once more.
      return switch (PictureFolders.file(root, "", PictureFolders.decoded(name))) {
        case PictureFolders.NoName no -> complete(Replies.text(StatusCodes.BAD_REQUEST, no.why()));
        case PictureFolders.Outside outside ->
            complete(Replies.text(StatusCodes.FORBIDDEN, outside.why()));
        case PictureFolders.Inside inside -> handler.apply(inside.file());
      };
    }

    private Route read(Path file) {
      if (!Files.isRegularFile(file)) {
        return complete(Replies.empty(StatusCodes.NOT_FOUND));
      }
      if (file.equals(root.resolve(STYLE))) {
        return files.send(file, ContentKinds.ofPage(STYLE), "");
      }
      return files.send(file, ContentKinds.ofUpload(file.getFileName().toString()), "attachment; ");
    }

    private Route write(String name, byte[] body, Map<String, String> query) {
      return withFile(
          name,
          file ->
              elsewhere(
                  () -> {
                    if (keeps(query) && Files.exists(file)) {
                      throw new FileAlreadyExistsException(name);
                    }
                    AtomicFiles.write(file, body);
                    return described(file, query);
                  }));
    }

    private Route move(String from, String to, Map<String, String> query) {
      return withFile(
          from,
          source ->
              withFile(
                  to,
                  target ->
                      elsewhere(
                          () -> {
                            if (!Files.isRegularFile(source)) {
                              throw new NoSuchFileException(from);
                            }
                            Files.createDirectories(
                                java.util.Objects.requireNonNull(target.getParent()));
                            if (keeps(query)) {
                              AtomicFiles.renameUnlessTaken(source, target);
                            } else {
                              AtomicFiles.replace(source, target);
                            }
                            return described(target, query);
                          })));
    }

    private HttpResponse described(Path file, Map<String, String> query) throws IOException {
      String relative = UserDataLists.relative(root, file);
      JsonNode answer =
          query.getOrDefault("full_info", "").equals("true")
              ? UserDataLists.info(relative, file)
              : TextNode.valueOf(relative);
      return HttpResponse.create()
          .withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, Json.bytes(answer)));
    }
  }

  /** Work on files. */
  private interface Work {
    HttpResponse run() throws IOException;
  }

  private static boolean keeps(Map<String, String> query) {
    return query.getOrDefault("overwrite", "true").equals("false");
  }

  private static HttpResponse remove(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file.toString());
    }
    Files.delete(file);
    return Replies.empty(StatusCodes.NO_CONTENT);
  }
}
