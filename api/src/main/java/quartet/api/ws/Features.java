package quartet.api.ws;

import com.fasterxml.jackson.databind.node.ObjectNode;
import quartet.api.wire.Json;

/** What this server can do beyond the oldest clients' protocol. Only what works stands here. */
public final class Features {
  private Features() {}

  /** The flags, as {@code /features} and the WebSocket tell them. */
  public static ObjectNode json(long maxUploadBytes) {
    return Json.object()
        .put("supports_preview_metadata", true)
        .put("max_upload_size", maxUploadBytes)
        .put("node_replacements", true)
        .put("assets", false);
  }
}
