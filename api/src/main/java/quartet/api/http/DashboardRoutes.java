package quartet.api.http;

import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.headers.EntityTag;
import akka.http.javadsl.model.headers.RawHeader;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The built-in page and its modules, read from the jar once. A browser asks each time whether they
 * have changed, and gets nothing but that answer if not: an upgrade shows at once.
 */
final class DashboardRoutes extends AllDirectives {
  /** Everything comes from this server; pictures also from the page's own memory. */
  private static final String POLICY =
      "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'";

  private static final String FOLDER = "dashboard/";
  private static final String INDEX = "index.html";

  /** Beside the index, below {@code /dashboard}. */
  static final List<String> MODULES =
      List.of(
          "api.js",
          "app.js",
          "cluster.js",
          "composer.js",
          "details.js",
          "devices.js",
          "dom.js",
          "en.js",
          "gallery.js",
          "i18n.js",
          "key.js",
          "live.js",
          "png.js",
          "prefs.js",
          "queue.js",
          "style.css",
          "tips.js",
          "workflow.js",
          "zh.js");

  @SuppressWarnings("ArrayRecordComponent") // never compared, and never written to
  private record Part(String name, byte[] bytes, String tag) {}

  private final Map<String, Part> parts;

  DashboardRoutes() {
    parts =
        java.util.stream.Stream.concat(java.util.stream.Stream.of(INDEX), MODULES.stream())
            .map(DashboardRoutes::read)
            .collect(Collectors.toUnmodifiableMap(Part::name, Function.identity()));
  }

  /** Whether a path is one of the page's files. */
  static boolean has(String path) {
    return path.equals("/")
        || path.equals("/" + INDEX)
        || (path.startsWith("/" + FOLDER) && MODULES.contains(path.substring(1 + FOLDER.length())));
  }

  Route route() {
    return concat(
        pathSingleSlash(() -> send(INDEX)),
        path(INDEX, () -> send(INDEX)),
        pathPrefix(
            "dashboard",
            () ->
                path(
                    akka.http.javadsl.server.PathMatchers.segment(),
                    name -> MODULES.contains(name) ? send(name) : reject())));
  }

  private Route send(String name) {
    Part part = parts.get(name);
    if (part == null) {
      throw new IllegalStateException("'" + name + "' was not read at the start");
    }
    HttpResponse answer =
        HttpResponse.create()
            .withEntity(HttpEntities.create(ContentKinds.ofPage(name), part.bytes()))
            .addHeader(RawHeader.create("Cache-Control", "no-cache"))
            .addHeader(RawHeader.create("Content-Security-Policy", POLICY))
            .addHeader(RawHeader.create("X-Content-Type-Options", "nosniff"));
    return get(() -> conditional(EntityTag.create(part.tag(), false), () -> complete(answer)));
  }

  private static Part read(String name) {
    String place = "/quartet/page/" + (name.equals(INDEX) ? INDEX : FOLDER + name);
    try (InputStream in = DashboardRoutes.class.getResourceAsStream(place)) {
      if (in == null) {
        throw new IllegalStateException("the jar has no " + place);
      }
      byte[] bytes = in.readAllBytes();
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
      return new Part(name, bytes, HexFormat.of().formatHex(digest, 0, 8));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + place, e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
