package quartet.api.store;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.cluster.node.Located;
import quartet.engine.exec.ExecutionOutcome;

/**
 * A file in the output folder, as the history names it.
 *
 * @param subfolder begins with {@code @server} where servers have output folders of their own
 */
record Output(String subfolder, String filename) {
  /** All that a prompt has left in the output folder. */
  static List<Output> of(ExecutionOutcome outcome) {
    List<Output> outputs = new ArrayList<>();
    for (JsonNode ui : outcome.shown().values()) {
      for (JsonNode list : ui) {
        for (JsonNode item : list) {
          if (item.path("type").asText().equals("output") && item.hasNonNull("filename")) {
            outputs.add(
                new Output(item.path("subfolder").asText(), item.path("filename").asText()));
          }
        }
      }
    }
    return List.copyOf(outputs);
  }

  /** As {@link #key} made it. */
  static Output parse(String key) {
    int slash = key.lastIndexOf('/');
    return slash < 0
        ? new Output("", key)
        : new Output(key.substring(0, slash), key.substring(slash + 1));
  }

  /** Its key in the bucket, behind the prefix. */
  String key() {
    return subfolder.isEmpty() ? filename : subfolder + "/" + filename;
  }

  /**
   * Where it lies on this server.
   *
   * @param node this server's name if servers have output folders of their own, or null
   * @return null if it lies on another one
   */
  @Nullable Path file(Path root, @Nullable String node) {
    if (node == null) {
      return root.resolve(key());
    }
    Located.Place place = Located.place(subfolder);
    return node.equals(place.node()) ? root.resolve(place.subfolder()).resolve(filename) : null;
  }
}
