package quartet.api.http;

import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Lists of the user's files in the three forms that clients ask for. */
final class UserDataLists {
  private static final int DEEPEST = 32;

  private final Path root;

  UserDataLists(Path root) {
    this.root = root;
  }

  /** {@code GET /userdata?dir=&recurse=&split=&full_info=}; flags are on for "true" alone. */
  HttpResponse plain(Map<String, String> query) throws IOException {
    String name = query.get("dir");
    if (name == null || name.isEmpty()) {
      return Replies.text(StatusCodes.BAD_REQUEST, "dir is missing");
    }
    return switch (PictureFolders.file(root, "", name)) {
      case PictureFolders.NoName no -> Replies.text(StatusCodes.FORBIDDEN, no.why());
      case PictureFolders.Outside outside -> Replies.text(StatusCodes.FORBIDDEN, outside.why());
      case PictureFolders.Inside inside ->
          Files.isDirectory(inside.file())
              ? Replies.json(list(inside.file(), query))
              : Replies.empty(StatusCodes.NOT_FOUND);
    };
  }

  private static ArrayNode list(Path folder, Map<String, String> query) throws IOException {
    boolean full = is(query, "full_info");
    boolean split = is(query, "split");
    ArrayNode all = JsonNodeFactory.instance.arrayNode();
    try (Stream<Path> found = Files.walk(folder, is(query, "recurse") ? DEEPEST : 1)) {
      for (Path file : found.filter(Files::isRegularFile).sorted().toList()) {
        String relative = relative(folder, file);
        if (full) {
          all.add(info(relative, file));
        } else if (split) {
          ArrayNode parts = all.addArray().add(relative);
          Stream.of(relative.split("/", -1)).forEach(parts::add);
        } else {
          all.add(relative);
        }
      }
    }
    return all;
  }

  private static boolean is(Map<String, String> query, String flag) {
    return query.getOrDefault(flag, "").equals("true");
  }

  /** {@code GET /v2/userdata?path=}: folders and files below, folders first. */
  HttpResponse tree(String name) throws IOException {
    Path folder = root;
    if (!name.isEmpty()) {
      switch (PictureFolders.file(root, "", name)) {
        case PictureFolders.NoName no -> {
          return Replies.text(StatusCodes.BAD_REQUEST, no.why());
        }
        case PictureFolders.Outside outside -> {
          return Replies.text(StatusCodes.BAD_REQUEST, outside.why());
        }
        case PictureFolders.Inside inside -> folder = inside.file();
      }
    }
    if (!Files.exists(folder)) {
      return name.isEmpty()
          ? Replies.json(JsonNodeFactory.instance.arrayNode())
          : Replies.empty(StatusCodes.NOT_FOUND);
    }
    if (!Files.isDirectory(folder)) {
      return Replies.text(StatusCodes.BAD_REQUEST, "'" + name + "' is no folder");
    }
    ArrayNode all = JsonNodeFactory.instance.arrayNode();
    for (Path entry : below(folder)) {
      BasicFileAttributes found = Files.readAttributes(entry, BasicFileAttributes.class);
      ObjectNode one =
          all.addObject()
              .put("name", entry.getFileName().toString())
              .put("path", relative(root, entry))
              .put("type", found.isDirectory() ? "directory" : "file");
      if (!found.isDirectory()) {
        one.put("size", found.size()).put("modified", found.lastModifiedTime().toMillis());
      }
    }
    return Replies.json(all);
  }

  private static List<Path> below(Path folder) throws IOException {
    try (Stream<Path> found = Files.walk(folder, DEEPEST)) {
      return found
          .filter(entry -> !entry.equals(folder))
          .filter(entry -> Files.isDirectory(entry) || Files.isRegularFile(entry))
          .sorted(
              Comparator.<Path, Boolean>comparing(entry -> !Files.isDirectory(entry))
                  .thenComparing(Comparator.naturalOrder()))
          .toList();
    }
  }

  /** A file's facts; times in milliseconds. */
  static ObjectNode info(String relative, Path file) throws IOException {
    BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
    return JsonNodeFactory.instance
        .objectNode()
        .put("path", relative)
        .put("size", found.size())
        .put("modified", found.lastModifiedTime().toMillis())
        .put("created", found.creationTime().toMillis());
  }

  /** With {@code /} between parts on every system. */
  static String relative(Path folder, Path file) {
    return folder.relativize(file).toString().replace('\\', '/');
  }
}
