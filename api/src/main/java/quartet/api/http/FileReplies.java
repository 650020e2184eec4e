package quartet.api.http;

import akka.http.javadsl.model.ContentType;
import akka.http.javadsl.model.DateTime;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.headers.EntityTag;
import akka.http.javadsl.model.headers.RawHeader;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** Answers that are files: with Range, ETag and Last-Modified, never run by a browser. */
final class FileReplies extends AllDirectives {
  /** A file that somebody uploaded or a workflow wrote. */
  Route upload(Path file) {
    String name = file.getFileName().toString();
    boolean harmless = ContentKinds.isHarmless(name);
    return send(file, ContentKinds.ofUpload(name), harmless ? "" : "attachment; ");
  }

  /** The same with the bytes as they are now, for a file that goes away. */
  static HttpResponse bytes(Path file) throws IOException {
    String name = file.getFileName().toString();
    return named(
        HttpResponse.create()
            .withEntity(HttpEntities.create(ContentKinds.ofUpload(name), Files.readAllBytes(file))),
        name,
        ContentKinds.isHarmless(name) ? "" : "attachment; ");
  }

  /**
   * A file.
   *
   * @param disposition what stands before {@code filename=}; may be empty
   */
  Route send(Path file, ContentType type, String disposition) {
    BasicFileAttributes attributes;
    try {
      attributes = Files.readAttributes(file, BasicFileAttributes.class);
    } catch (IOException e) {
      return complete(Replies.empty(akka.http.javadsl.model.StatusCodes.NOT_FOUND));
    }
    long modified = attributes.lastModifiedTime().toMillis();
    EntityTag tag =
        EntityTag.create(
            Long.toHexString(modified) + "-" + Long.toHexString(attributes.size()), false);
    HttpResponse whole =
        named(
            HttpResponse.create().withEntity(HttpEntities.create(type, file.toFile())),
            file.getFileName().toString(),
            disposition);
    return conditional(
        tag, DateTime.create(modified), () -> withRangeSupport(() -> complete(whole)));
  }

  /** Adds the name under which a browser would save it, and forbids guessing the type. */
  static HttpResponse named(HttpResponse response, String name, String disposition) {
    StringBuilder safe = new StringBuilder();
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      switch (c) {
        case '"', '\\' -> safe.append('\\').append(c);
        default -> safe.append(c < ' ' || c > '~' ? '?' : c);
      }
    }
    return response
        .addHeader(
            RawHeader.create("Content-Disposition", disposition + "filename=\"" + safe + "\""))
        .addHeader(RawHeader.create("X-Content-Type-Options", "nosniff"));
  }
}
