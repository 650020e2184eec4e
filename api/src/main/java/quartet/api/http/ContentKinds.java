package quartet.api.http;

import akka.http.javadsl.model.ContentType;
import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpCharsets;
import akka.http.javadsl.model.MediaType;
import akka.http.javadsl.model.MediaTypes;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Content types by file name. Files that people upload are only ever shown as pictures, sound,
 * video or plain text: whatever a browser would run is sent as bytes to be saved.
 */
final class ContentKinds {
  /** What a browser shows without running anything in it. */
  private static final Map<String, ContentType> HARMLESS =
      Map.ofEntries(
          Map.entry("png", MediaTypes.IMAGE_PNG.toContentType()),
          Map.entry("jpg", MediaTypes.IMAGE_JPEG.toContentType()),
          Map.entry("jpeg", MediaTypes.IMAGE_JPEG.toContentType()),
          Map.entry("gif", MediaTypes.IMAGE_GIF.toContentType()),
          Map.entry("webp", MediaTypes.IMAGE_WEBP.toContentType()),
          Map.entry("bmp", binary("image", "bmp")),
          Map.entry("tif", MediaTypes.IMAGE_TIFF.toContentType()),
          Map.entry("tiff", MediaTypes.IMAGE_TIFF.toContentType()),
          Map.entry("avif", binary("image", "avif")),
          Map.entry("mp4", MediaTypes.VIDEO_MP4.toContentType()),
          Map.entry("webm", MediaTypes.VIDEO_WEBM.toContentType()),
          Map.entry("mov", binary("video", "quicktime")),
          Map.entry("mp3", MediaTypes.AUDIO_MPEG.toContentType()),
          Map.entry("wav", binary("audio", "wav")),
          Map.entry("flac", binary("audio", "flac")),
          Map.entry("ogg", MediaTypes.AUDIO_OGG.toContentType()),
          Map.entry("opus", binary("audio", "opus")),
          Map.entry("glb", binary("model", "gltf-binary")),
          Map.entry("txt", ContentTypes.TEXT_PLAIN_UTF8),
          Map.entry("json", ContentTypes.APPLICATION_JSON));

  /** What a front end's own files are, beside the above. */
  private static final Map<String, ContentType> PAGES =
      Map.ofEntries(
          Map.entry("html", ContentTypes.TEXT_HTML_UTF8),
          Map.entry("js", text("application", "javascript")),
          Map.entry("mjs", text("application", "javascript")),
          Map.entry("css", MediaTypes.TEXT_CSS.toContentType(HttpCharsets.UTF_8)),
          Map.entry("svg", MediaTypes.IMAGE_SVG_XML.toContentType()),
          Map.entry("ico", binary("image", "x-icon")),
          Map.entry("map", ContentTypes.APPLICATION_JSON),
          Map.entry("wasm", binary("application", "wasm")),
          Map.entry("woff", binary("font", "woff")),
          Map.entry("woff2", binary("font", "woff2")),
          Map.entry("ttf", binary("font", "ttf")));

  private static final Set<String> IMAGES =
      Set.of("png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff", "avif", "svg", "ico");

  private ContentKinds() {}

  private static ContentType binary(String main, String sub) {
    return MediaTypes.customBinary(main, sub, true).toContentType();
  }

  private static ContentType text(String main, String sub) {
    MediaType.WithOpenCharset type = MediaTypes.customWithOpenCharset(main, sub, Map.of(), false);
    return type.toContentType(HttpCharsets.UTF_8);
  }

  /** For files that anybody may have put there; octets unless harmless. */
  static ContentType ofUpload(String name) {
    return HARMLESS.getOrDefault(suffix(name), ContentTypes.APPLICATION_OCTET_STREAM);
  }

  /** Whether a browser shows this upload instead of saving it. */
  static boolean isHarmless(String name) {
    return HARMLESS.containsKey(suffix(name));
  }

  /** For files of a front end, which the operator has chosen. */
  static ContentType ofPage(String name) {
    ContentType page = PAGES.get(suffix(name));
    return page == null ? ofUpload(name) : page;
  }

  /** Whether the name ends as a picture's does. */
  static boolean isImage(String name) {
    return IMAGES.contains(suffix(name));
  }

  static String suffix(String name) {
    return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
  }
}
