package quartet.api.ws;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import quartet.api.wire.Json;

/**
 * Binary frames with pictures; integers are big-endian. Source: comfyui-protocol, binary frames.
 */
final class PreviewFrames {
  private static final int PREVIEW = 1;
  private static final int PREVIEW_WITH_METADATA = 4;
  private static final int JPEG = 1;

  private PreviewFrames() {}

  /** For clients that have said nothing about themselves. */
  static byte[] plain(byte[] jpeg) {
    return ByteBuffer.allocate(2 * Integer.BYTES + jpeg.length)
        .putInt(PREVIEW)
        .putInt(JPEG)
        .put(jpeg)
        .array();
  }

  /** For clients that announced {@code supports_preview_metadata}. */
  static byte[] withMetadata(String promptId, String nodeId, byte[] jpeg) {
    ObjectNode json = Json.object();
    json.put("node_id", nodeId).put("prompt_id", promptId).put("display_node_id", nodeId);
    json.putNull("parent_node_id").put("real_node_id", nodeId).put("image_type", "image/jpeg");
    byte[] metadata = Json.bytes(json);
    return ByteBuffer.allocate(2 * Integer.BYTES + metadata.length + jpeg.length)
        .putInt(PREVIEW_WITH_METADATA)
        .putInt(metadata.length)
        .put(metadata)
        .put(jpeg)
        .array();
  }
}
