package quartet.api.ws;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import quartet.api.wire.Json;
import quartet.api.wire.NodeIds;
import quartet.cluster.job.PromptJob;

/**
 * Binary frames with pictures; integers are big-endian. Source: comfyui-protocol, binary frames.
 */
final class PreviewFrames {
  private static final int PREVIEW = 1;
  private static final int TEXT = 3;
  private static final int PREVIEW_WITH_METADATA = 4;

  private PreviewFrames() {}

  /** What a picture is encoded as. */
  enum Kind {
    /** While sampling. */
    JPEG(1, "image/jpeg"),
    /** A whole picture. */
    PNG(2, "image/png");

    private final int number;
    private final String mimeType;

    Kind(int number, String mimeType) {
      this.number = number;
      this.mimeType = mimeType;
    }
  }

  /** For clients that have said nothing about themselves. */
  static byte[] plain(Kind kind, byte[] picture) {
    return ByteBuffer.allocate(2 * Integer.BYTES + picture.length)
        .putInt(PREVIEW)
        .putInt(kind.number)
        .put(picture)
        .array();
  }

  /** For clients that announced {@code supports_preview_metadata}. */
  static byte[] withMetadata(PromptJob job, String nodeId, Kind kind, byte[] picture) {
    NodeIds ids = NodeIds.of(job.prompt(), nodeId);
    ObjectNode json = Json.object();
    json.put("node_id", nodeId).put("prompt_id", job.promptId());
    json.put("display_node_id", ids.real());
    ids.parentInto(json, "parent_node_id");
    json.put("real_node_id", ids.real()).put("image_type", kind.mimeType);
    byte[] metadata = Json.bytes(json);
    return ByteBuffer.allocate(2 * Integer.BYTES + metadata.length + picture.length)
        .putInt(PREVIEW_WITH_METADATA)
        .putInt(metadata.length)
        .put(metadata)
        .put(picture)
        .array();
  }

  /** A line of text about a node. */
  static byte[] text(String nodeId, String text) {
    byte[] node = nodeId.getBytes(StandardCharsets.UTF_8);
    byte[] words = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(2 * Integer.BYTES + node.length + words.length)
        .putInt(TEXT)
        .putInt(node.length)
        .put(node)
        .put(words)
        .array();
  }
}
