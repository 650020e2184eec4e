package quartet.api.http;

import akka.http.javadsl.model.Multipart;
import akka.stream.Materializer;
import akka.stream.javadsl.FileIO;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import quartet.engine.files.AtomicFiles;

/**
 * A multipart form whose {@code image} part goes to disk as it comes, so that large uploads do not
 * stand in memory.
 *
 * <p>Owner: whoever closes it; then the file is gone unless it was moved.
 */
final class UploadForm implements AutoCloseable {
  private static final int MAX_FIELDS = 32;
  private static final long FIELD_MILLIS = 10_000;

  private final Path file;
  private final Map<String, String> fields = new ConcurrentHashMap<>();
  private volatile String fileName = "";

  private UploadForm(Path file) {
    this.file = file;
  }

  /** Reads a form to its end. */
  static CompletionStage<UploadForm> read(
      Multipart.FormData data, Path folder, Materializer materializer) {
    UploadForm form = new UploadForm(AtomicFiles.unfinished(folder));
    return data.getParts()
        .mapAsync(1, part -> form.take(part, materializer))
        .runFold(0, (count, ignored) -> count + 1, materializer)
        .handle(
            (count, failure) -> {
              if (failure != null || count > MAX_FIELDS) {
                form.close();
                throw new IllegalArgumentException(
                    "the form cannot be read: "
                        + (failure == null ? count + " parts" : failure.getMessage()),
                    failure);
              }
              return form;
            });
  }

  private CompletionStage<Boolean> take(
      Multipart.FormData.BodyPart part, Materializer materializer) {
    if (part.getName().equals("image") && part.getFilename().isPresent()) {
      fileName = part.getFilename().get();
      return part.getEntity()
          .getDataBytes()
          .runWith(FileIO.toPath(file), materializer)
          .thenApply(done -> true);
    }
    return part.toStrict(FIELD_MILLIS, materializer)
        .thenApply(
            strict -> {
              String text =
                  new String(strict.getEntity().getData().toArray(), StandardCharsets.UTF_8);
              fields.put(part.getName(), text);
              return true;
            });
  }

  /** A field's text, or the given one. */
  String field(String name, String otherwise) {
    return fields.getOrDefault(name, otherwise);
  }

  /** The uploaded file's name as the client gave it; empty if there was none. */
  String fileName() {
    return fileName;
  }

  /** Where its content stands for now. */
  Path file() {
    return file;
  }

  @Override
  public void close() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException("an unfinished upload could not be removed", e);
    }
  }
}
