package quartet.api.http;

import akka.actor.typed.DispatcherSelector;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import akka.http.javadsl.unmarshalling.Unmarshaller;
import akka.stream.Materializer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Executor;
import quartet.api.wire.Json;
import quartet.engine.files.AnnotatedName;
import quartet.engine.files.AtomicFiles;
import quartet.errors.EngineException;
import quartet.image.ImageReader;
import quartet.image.Pixels;
import quartet.image.PngText;
import quartet.image.PngWriter;

/** {@code POST /upload/image} and {@code POST /upload/mask}. */
final class UploadRoutes extends AllDirectives {
  private static final int PNG_LEVEL = 4;

  private final PictureFolders folders;
  private final Materializer materializer;
  private final Executor blocking;

  UploadRoutes(ServerParts parts) {
    this.folders = new PictureFolders(parts.folders());
    this.materializer = Materializer.matFromSystem(parts.system());
    this.blocking = parts.system().dispatchers().lookup(DispatcherSelector.blocking());
  }

  /** What becomes of the file that came in. */
  private interface Content {
    /**
     * Turns the upload, in place, into what is kept.
     *
     * @throws Refused if it cannot be
     */
    void prepare(UploadForm form) throws IOException, Refused;
  }

  /** An upload that ends in 400. */
  private static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    Refused(String why) {
      super(why);
    }
  }

  Route route() {
    return pathPrefix(
        "upload",
        () ->
            concat(
                path("image", () -> upload(form -> {})),
                path(PathMatchers.segment("mask"), () -> upload(this::applyMask))));
  }

  private Route upload(Content content) {
    return post(
        () ->
            entity(
                Unmarshaller.entityToMultipartFormData(),
                data ->
                    completeWithFuture(
                        UploadForm.read(data, folders.folders().input(), materializer)
                            .thenApplyAsync(form -> store(form, content), blocking)
                            .exceptionally(UploadRoutes::unreadable))));
  }

  private static HttpResponse unreadable(Throwable failure) {
    Throwable cause =
        failure instanceof java.util.concurrent.CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause instanceof IllegalArgumentException) {
      return Replies.text(
          CommonRules.isTooLarge(cause) ? StatusCodes.CONTENT_TOO_LARGE : StatusCodes.BAD_REQUEST,
          String.valueOf(cause.getMessage()));
    }
    throw new IllegalStateException("an upload failed", cause);
  }

  private HttpResponse store(UploadForm form, Content content) {
    try (form) {
      String type = form.field("type", "input");
      Path root =
          folders.root(type).orElseThrow(() -> new Refused("type must be input, temp or output"));
      if (form.fileName().isEmpty()) {
        throw new Refused("the form has no file called 'image'");
      }
      Path wanted = place(root, form.field("subfolder", ""), form.fileName());
      content.prepare(form);
      Files.createDirectories(java.util.Objects.requireNonNull(wanted.getParent()));
      String overwrite = form.field("overwrite", "");
      Path stored =
          overwrite.equals("true") || overwrite.equals("1")
              ? replace(form.file(), wanted)
              : beside(form.file(), wanted);
      return Replies.json(
          Json.object()
              .put("name", stored.getFileName().toString())
              .put("subfolder", form.field("subfolder", ""))
              .put("type", type));
    } catch (Refused | EngineException e) {
      return Replies.text(StatusCodes.BAD_REQUEST, String.valueOf(e.getMessage()));
    } catch (FileAlreadyExistsException e) {
      return Replies.text(
          StatusCodes.BAD_REQUEST,
          "a file or folder of that name is in the way: " + form.fileName());
    } catch (IOException e) {
      return Replies.text(
          StatusCodes.INTERNAL_SERVER_ERROR,
          "the upload could not be stored: " + e + ". Is the disk full or the folder read-only?");
    }
  }

  private static Path place(Path root, String subfolder, String name) throws Refused {
    return switch (PictureFolders.file(root, subfolder, name)) {
      case PictureFolders.NoName no -> throw new Refused(no.why());
      case PictureFolders.Outside outside -> throw new Refused(outside.why());
      case PictureFolders.Inside inside -> inside.file();
    };
  }

  private static Path replace(Path from, Path to) throws IOException {
    if (Files.isDirectory(to)) {
      throw new FileAlreadyExistsException(to.toString());
    }
    AtomicFiles.replace(from, to);
    return to;
  }

  /** Under the wanted name or the first numbered one that is free or holds the same bytes. */
  private static Path beside(Path from, Path wanted) throws IOException {
    String name = wanted.getFileName().toString();
    int dot = name.lastIndexOf('.');
    String stem = dot > 0 ? name.substring(0, dot) : name;
    String suffix = dot > 0 ? name.substring(dot) : "";
    Path to = wanted;
    for (int copy = 1; ; copy++) {
      try {
        return AtomicFiles.renameUnlessTaken(from, to);
      } catch (FileAlreadyExistsException e) {
        if (Files.isRegularFile(to) && Files.mismatch(from, to) < 0) {
          return to;
        }
        to = wanted.resolveSibling(stem + " (" + copy + ")" + suffix);
      }
    }
  }

  /** The original's colours and text chunks with the upload's alpha. */
  private void applyMask(UploadForm form) throws IOException, Refused {
    Path original = original(form.field("original_ref", ""));
    Pixels masked;
    try {
      masked = ImageReader.read(original).withAlphaOf(ImageReader.read(form.file()));
    } catch (IllegalArgumentException e) {
      throw new Refused(String.valueOf(e.getMessage()));
    }
    Files.write(form.file(), PngWriter.encode(masked, PngText.read(original), PNG_LEVEL));
  }

  private Path original(String reference) throws Refused {
    JsonNode json;
    try {
      json = Json.parse(reference.getBytes(StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      throw new Refused("original_ref is not JSON: " + e.getOriginalMessage());
    }
    String given = json.path("filename").asText();
    AnnotatedName annotated = AnnotatedName.of(given);
    String type =
        annotated.file().equals(given)
            ? json.path("type").asText("output")
            : annotated.folder().name().toLowerCase(Locale.ROOT);
    Optional<Path> root = folders.root(type);
    if (root.isEmpty()) {
      throw new Refused("original_ref has an unknown type '" + type + "'");
    }
    Path file = place(root.get(), json.path("subfolder").asText(), annotated.file());
    if (!Files.isRegularFile(file)) {
      throw new Refused("original_ref names no file: '" + given + "'");
    }
    return file;
  }
}
