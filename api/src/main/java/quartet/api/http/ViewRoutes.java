package quartet.api.http;

import akka.actor.typed.DispatcherSelector;
import akka.http.javadsl.model.ContentType;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import quartet.api.auth.Principal;
import quartet.api.store.Bucket;
import quartet.cluster.node.Located;
import quartet.engine.files.AnnotatedName;
import quartet.errors.EngineException;
import quartet.image.ImageReader;
import quartet.image.JpegWriter;
import quartet.image.Pixels;
import quartet.image.PngWriter;

/** {@code GET /view}: a picture from one of the three folders, as it is or made smaller. */
final class ViewRoutes extends AllDirectives {
  private static final int DEFAULT_QUALITY = 90;
  private static final int PNG_LEVEL = 4;

  private final ServerParts parts;
  private final Owned owned = new Owned();
  private final PictureFolders folders;
  private final FileReplies files = new FileReplies();
  private final Executor blocking;
  private final RemoteFiles remote;

  ViewRoutes(ServerParts parts) {
    this.parts = parts;
    this.folders = new PictureFolders(parts.folders());
    this.remote = new RemoteFiles(parts);
    this.blocking = parts.system().dispatchers().lookup(DispatcherSelector.blocking());
  }

  Route route() {
    return path("view", () -> get(() -> owned.as(who -> parameterMap(query -> view(who, query)))));
  }

  private Route view(Principal who, Map<String, String> query) {
    String given = query.get("filename");
    if (given == null) {
      return complete(Replies.empty(StatusCodes.NOT_FOUND));
    }
    AnnotatedName annotated = AnnotatedName.of(given);
    String name = annotated.file();
    if (name.contains("..")) {
      return complete(Replies.text(StatusCodes.BAD_REQUEST, "'" + name + "' is no file name"));
    }
    String type =
        name.equals(given)
            ? query.getOrDefault("type", "output")
            : annotated.folder().name().toLowerCase(Locale.ROOT);
    Optional<Path> root = folders.root(type);
    if (root.isEmpty()) {
      return complete(Replies.text(StatusCodes.BAD_REQUEST, "type must be output, input or temp"));
    }
    String subfolder = query.getOrDefault("subfolder", "");
    Located.Place place = Located.place(subfolder);
    String node = place.node();
    boolean located = parts.fleet() != null && node != null;
    boolean elsewhere = located && !parts.name().equals(node);
    String here = located ? place.subfolder() : subfolder;
    String last = name.startsWith("/") ? name : name.substring(name.lastIndexOf('/') + 1);
    Supplier<Route> missing =
        () ->
            type.equals("output") && parts.bucket() != null
                ? stored(who, parts.bucket(), subfolder, last, query)
                : complete(Replies.empty(StatusCodes.NOT_FOUND));
    return switch (PictureFolders.file(root.get(), here, last)) {
      case PictureFolders.NoName no -> complete(Replies.text(StatusCodes.BAD_REQUEST, no.why()));
      case PictureFolders.Outside out -> complete(Replies.text(StatusCodes.FORBIDDEN, out.why()));
      case PictureFolders.Inside ignored when elsewhere ->
          extractRequest(
              request ->
                  onSuccess(
                      remote.view(String.valueOf(node), request),
                      answer -> orStored(answer, missing)));
      case PictureFolders.Inside inside ->
          Files.isRegularFile(inside.file())
              ? showIfOwn(who, type, inside.file(), query)
              : missing.get();
    };
  }

  /** What another server says, unless it is away or has it no more and the storage may have it. */
  private Route orStored(HttpResponse answer, Supplier<Route> missing) {
    boolean away =
        answer.status().equals(StatusCodes.BAD_GATEWAY)
            || answer.status().equals(StatusCodes.NOT_FOUND);
    if (!away || parts.bucket() == null) {
      return complete(answer);
    }
    answer.discardEntityBytes(parts.system());
    return missing.get();
  }

  /** Out of the storage, if the history has it and whoever asks may see it. */
  private Route stored(
      Principal who, Bucket bucket, String subfolder, String filename, Map<String, String> query) {
    CompletionStage<Boolean> own =
        Owned.history(parts, who)
            .thenApply(
                records ->
                    records.stream()
                        .flatMap(record -> record.outcome().shown().values().stream())
                        .anyMatch(ui -> names(ui, subfolder, filename)));
    String key = subfolder.isEmpty() ? filename : subfolder + "/" + filename;
    return onSuccess(
        own,
        mine ->
            mine
                ? withRangeSupport(() -> encoded(() -> fetched(bucket, key, filename, query)))
                : complete(Replies.empty(StatusCodes.NOT_FOUND)));
  }

  private static boolean names(JsonNode ui, String subfolder, String filename) {
    for (JsonNode list : ui) {
      for (JsonNode item : list) {
        if (item.path("type").asText().equals("output")
            && item.path("filename").asText().equals(filename)
            && item.path("subfolder").asText().equals(subfolder)) {
          return true;
        }
      }
    }
    return false;
  }

  private static HttpResponse fetched(
      Bucket bucket, String key, String filename, Map<String, String> query) {
    try {
      Path folder = Files.createTempDirectory("quartet-view");
      Path file = folder.resolve(filename);
      try {
        return bucket.get(key, file) ? whole(file, query) : Replies.empty(StatusCodes.NOT_FOUND);
      } finally {
        Files.deleteIfExists(file);
        Files.delete(folder);
      }
    } catch (IOException e) {
      return Replies.text(
          StatusCodes.BAD_GATEWAY,
          "the picture cannot be fetched from the storage: " + e.getMessage());
    }
  }

  private static HttpResponse whole(Path file, Map<String, String> query) throws IOException {
    String channel = query.getOrDefault("channel", "");
    String preview = query.get("preview");
    if (preview != null) {
      return preview(file, preview, channel);
    }
    return switch (channel) {
      case "rgb" -> png(file, ImageReader.read(file).withoutAlpha());
      case "a" -> png(file, ImageReader.read(file).alphaOnly());
      default -> FileReplies.bytes(file);
    };
  }

  /** What others' prompts have made is not there for a plain user; inputs are for all. */
  private Route showIfOwn(Principal who, String type, Path file, Map<String, String> query) {
    if (who.seesAll() || type.equals("input")) {
      return show(file, query);
    }
    CompletionStage<Boolean> own =
        Owned.history(parts, who)
            .thenApply(
                records ->
                    records.stream()
                        .flatMap(record -> record.outcome().shown().values().stream())
                        .anyMatch(ui -> names(ui, type, file)));
    return onSuccess(
        own, mine -> mine ? show(file, query) : complete(Replies.empty(StatusCodes.NOT_FOUND)));
  }

  private boolean names(JsonNode ui, String type, Path file) {
    Path root = folders.root(type).orElseThrow();
    for (JsonNode list : ui) {
      for (JsonNode item : list) {
        if (item.path("type").asText().equals(type)
            && item.path("filename").asText().equals(file.getFileName().toString())
            && root.resolve(Located.place(item.path("subfolder").asText()).subfolder())
                .resolve(item.path("filename").asText())
                .normalize()
                .equals(file.normalize())) {
          return true;
        }
      }
    }
    return false;
  }

  private Route show(Path file, Map<String, String> query) {
    String channel = query.getOrDefault("channel", "");
    String preview = query.get("preview");
    if (preview != null) {
      return encoded(() -> preview(file, preview, channel));
    }
    return switch (channel) {
      case "rgb" -> encoded(() -> png(file, ImageReader.read(file).withoutAlpha()));
      case "a" -> encoded(() -> png(file, ImageReader.read(file).alphaOnly()));
      default -> files.upload(file);
    };
  }

  /** Decoding and encoding take a while, so they run where blocking is allowed. */
  private Route encoded(Supplier<HttpResponse> work) {
    return completeWithFuture(
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return work.get();
              } catch (EngineException e) {
                return Replies.text(StatusCodes.BAD_REQUEST, String.valueOf(e.getMessage()));
              }
            },
            blocking));
  }

  /**
   * A lighter form. WebP was asked for in most cases, and nothing here writes it: JPEG where the
   * picture is opaque, PNG where its alpha matters, and the content type says which.
   */
  private static HttpResponse preview(Path file, String preview, String channel) {
    Pixels pixels = ImageReader.read(file);
    boolean dropsAlpha =
        channel.equals("rgb") || (preview.startsWith("jpeg") && !channel.contains("a"));
    boolean jpeg = dropsAlpha || isOpaque(pixels);
    return jpeg
        ? answer(
            file,
            MediaTypes.IMAGE_JPEG.toContentType(),
            JpegWriter.encode(pixels, quality(preview)))
        : png(file, pixels);
  }

  private static boolean isOpaque(Pixels pixels) {
    for (int i = 3; i < pixels.bytes().length; i += 4) {
      if (pixels.bytes()[i] != (byte) 255) {
        return false;
      }
    }
    return true;
  }

  private static int quality(String preview) {
    String last = preview.substring(preview.lastIndexOf(';') + 1);
    return last.matches("\\d{1,3}") ? Integer.parseInt(last) : DEFAULT_QUALITY;
  }

  private static HttpResponse png(Path file, Pixels pixels) {
    return answer(
        file, MediaTypes.IMAGE_PNG.toContentType(), PngWriter.encode(pixels, Map.of(), PNG_LEVEL));
  }

  private static HttpResponse answer(Path file, ContentType type, byte[] bytes) {
    return FileReplies.named(
        HttpResponse.create().withEntity(HttpEntities.create(type, bytes)),
        file.getFileName().toString(),
        "");
  }
}
