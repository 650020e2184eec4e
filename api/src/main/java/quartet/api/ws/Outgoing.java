package quartet.api.ws;

import akka.http.javadsl.model.ws.BinaryMessage;
import akka.http.javadsl.model.ws.Message;
import akka.http.javadsl.model.ws.TextMessage;
import akka.util.ByteString;
import com.fasterxml.jackson.databind.node.ObjectNode;
import quartet.api.wire.Json;

/**
 * One message on its way to a client.
 *
 * @param rank what may become of it when the client is slow
 * @param key messages of equal key say the same about the same thing; a newer one makes an older
 *     one superfluous if the rank allows that
 * @param bytes its size in memory, roughly
 */
record Outgoing(Rank rank, String key, Message message, int bytes) {
  /** How much a message is worth, least first. */
  enum Rank {
    /** A picture while sampling: the first to go. */
    PREVIEW,
    /** A figure that the next message of its kind replaces: queue length, progress. */
    FIGURE,
    /** What happens inside a prompt: which node runs. */
    STORY,
    /** Results and ends; clients wait for these. */
    END
  }

  /** A JSON event. */
  static Outgoing event(Rank rank, String key, ObjectNode event) {
    String text = Json.text(event);
    return new Outgoing(rank, key, TextMessage.create(text), text.length());
  }

  /** A binary frame of a picture while sampling. */
  static Outgoing preview(String key, byte[] frame) {
    return frame(Rank.PREVIEW, key, frame);
  }

  /** A binary frame. */
  static Outgoing frame(Rank rank, String key, byte[] frame) {
    return new Outgoing(rank, key, BinaryMessage.create(ByteString.fromArray(frame)), frame.length);
  }
}
