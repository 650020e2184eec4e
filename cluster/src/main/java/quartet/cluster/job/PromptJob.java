package quartet.cluster.job;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An accepted prompt on its way to a device: ids and JSON, so that it can be stored and sent to
 * another process.
 *
 * @param number its place in the queue; smaller runs first
 * @param prompt the checked prompt, with converted values
 * @param extraData what the client sent beside it ({@code client_id}, {@code extra_pnginfo}, …)
 * @param outputs ids of the output nodes to run
 * @param clientId whose WebSocket hears of it, or null
 */
public record PromptJob(
    String promptId,
    double number,
    ObjectNode prompt,
    ObjectNode extraData,
    List<String> outputs,
    @Nullable String clientId,
    Instant accepted) {
  /** Copies the list. */
  public PromptJob {
    outputs = List.copyOf(outputs);
  }

  /** What the client wants in its PNG files beside the prompt. */
  public ObjectNode extraPngInfo() {
    return extraData.get("extra_pnginfo") instanceof ObjectNode info
        ? info
        : extraData.objectNode();
  }
}
