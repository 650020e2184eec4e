package quartet.api.http;

import akka.actor.typed.DispatcherSelector;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import java.util.stream.Stream;
import quartet.engine.files.Folders;
import quartet.engine.files.ModelKeys;
import quartet.errors.EngineException;
import quartet.image.ImageReader;
import quartet.image.JpegWriter;

/** {@code /experiment/models}: what the front end's model browser shows. */
final class ModelBrowserRoutes extends AllDirectives {
  private static final List<String> IMAGE_SUFFIXES =
      List.of(".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp");
  private static final int QUALITY = 90;
  private static final double MILLIS = 1000;

  private final Folders folders;
  private final Executor blocking;

  ModelBrowserRoutes(ServerParts parts) {
    this.folders = parts.folders();
    this.blocking = parts.system().dispatchers().lookup(DispatcherSelector.blocking());
  }

  Route route() {
    return pathPrefix(
        PathMatchers.segment("experiment").slash("models"),
        () ->
            concat(
                pathEnd(() -> get(() -> complete(Replies.json(keys())))),
                pathPrefix(
                    PathMatchers.segment("preview").slash(PathMatchers.segment()),
                    key ->
                        path(
                            PathMatchers.segment().slash(PathMatchers.remaining()),
                            (index, name) ->
                                elsewhere(
                                    () -> preview(key, index, PictureFolders.decoded(name))))),
                path(PathMatchers.segment(), key -> elsewhere(() -> files(key)))));
  }

  private Route elsewhere(Supplier<HttpResponse> work) {
    return get(() -> completeWithFuture(CompletableFuture.supplyAsync(work, blocking)));
  }

  private static boolean browsed(String key) {
    return ModelKeys.exists(key) && !key.equals("configs") && !key.equals("custom_nodes");
  }

  private ArrayNode keys() {
    ArrayNode all = JsonNodeFactory.instance.arrayNode();
    for (String key : ModelKeys.all()) {
      if (browsed(key)) {
        ArrayNode paths = all.addObject().put("name", key).putArray("folders");
        folders.modelFolders(key).forEach(folder -> paths.add(folder.toString()));
      }
    }
    return all;
  }

  private HttpResponse files(String key) {
    if (!browsed(key)) {
      return Replies.empty(StatusCodes.NOT_FOUND);
    }
    List<Path> roots = folders.modelFolders(key);
    ArrayNode all = JsonNodeFactory.instance.arrayNode();
    for (String name : folders.models(key)) {
      if (Stream.of(name.split("/", -1)).noneMatch(part -> part.startsWith("."))) {
        for (int i = 0; i < roots.size(); i++) {
          describe(roots.get(i).resolve(name), name, i).ifPresent(all::add);
        }
      }
    }
    return Replies.json(all);
  }

  private static Optional<ObjectNode> describe(Path file, String name, int index) {
    try {
      BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
      return Optional.of(
          JsonNodeFactory.instance
              .objectNode()
              .put("name", name)
              .put("pathIndex", index)
              .put("modified", found.lastModifiedTime().toMillis() / MILLIS)
              .put("created", found.creationTime().toMillis() / MILLIS)
              .put("size", found.size()));
    } catch (IOException e) {
      return Optional.empty(); // in another of the key's folders
    }
  }

  /** A picture beside the model, named as the model is. */
  private HttpResponse preview(String key, String index, String name) {
    List<Path> roots = folders.modelFolders(key);
    if (!browsed(key)) {
      return Replies.empty(StatusCodes.NOT_FOUND);
    }
    if (!index.matches("\\d{1,3}") || Integer.parseInt(index) >= roots.size()) {
      return Replies.text(StatusCodes.BAD_REQUEST, "there is no folder " + index);
    }
    Path root = roots.get(Integer.parseInt(index));
    return switch (PictureFolders.file(root, "", name)) {
      case PictureFolders.NoName no -> Replies.text(StatusCodes.BAD_REQUEST, no.why());
      case PictureFolders.Outside outside -> Replies.text(StatusCodes.FORBIDDEN, outside.why());
      case PictureFolders.Inside inside ->
          pictureBeside(root, inside.file())
              .map(ModelBrowserRoutes::picture)
              .orElseGet(() -> Replies.empty(StatusCodes.NOT_FOUND));
    };
  }

  private static Optional<Path> pictureBeside(Path root, Path model) {
    String file = model.getFileName().toString();
    int dot = file.lastIndexOf('.');
    String stem = dot > 0 ? file.substring(0, dot) : file;
    for (String middle : List.of("", ".preview")) {
      for (String suffix : IMAGE_SUFFIXES) {
        Path picture = model.resolveSibling(stem + middle + suffix);
        if (Files.isRegularFile(picture) && stays(root, picture)) {
          return Optional.of(picture);
        }
      }
    }
    return Optional.empty();
  }

  private static boolean stays(Path root, Path file) {
    try {
      return file.toRealPath().startsWith(root.toRealPath());
    } catch (IOException e) {
      return false;
    }
  }

  private static HttpResponse picture(Path file) {
    try {
      return HttpResponse.create()
          .withEntity(
              HttpEntities.create(
                  MediaTypes.IMAGE_JPEG.toContentType(),
                  JpegWriter.encode(ImageReader.read(file), QUALITY)));
    } catch (EngineException e) {
      return Replies.empty(StatusCodes.NOT_FOUND);
    }
  }
}
