package quartet.api.http;

import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCode;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.model.headers.RawHeader;
import akka.util.ByteString;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import quartet.api.wire.Json;
import quartet.engine.graph.PromptError;

/** Answers in the forms that clients know. */
final class Replies {
  private Replies() {}

  static HttpResponse json(JsonNode body) {
    return json(StatusCodes.OK, body);
  }

  static HttpResponse json(StatusCode status, JsonNode body) {
    return HttpResponse.create()
        .withStatus(status)
        .withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, Json.bytes(body)));
  }

  /** A body that is JSON already, and that nobody writes to any more. */
  static HttpResponse json(byte[] body) {
    return HttpResponse.create()
        .withEntity(
            HttpEntities.create(ContentTypes.APPLICATION_JSON, ByteString.fromArrayUnsafe(body)));
  }

  static HttpResponse empty(StatusCode status) {
    return HttpResponse.create().withStatus(status);
  }

  static HttpResponse text(StatusCode status, String text) {
    return HttpResponse.create()
        .withStatus(status)
        .withEntity(ContentTypes.TEXT_PLAIN_UTF8, text + "\n");
  }

  /** {@code {"error": …, "node_errors": …}} with 400. */
  static HttpResponse promptError(PromptError error, ObjectNode nodeErrors) {
    return promptError(StatusCodes.BAD_REQUEST, error, nodeErrors);
  }

  static HttpResponse promptError(StatusCode status, PromptError error, ObjectNode nodeErrors) {
    ObjectNode body = Json.object();
    body.set("error", error.toJson());
    body.set("node_errors", nodeErrors);
    return json(status, body);
  }

  /** 429 with the expected wait, at least a second. */
  static HttpResponse busy(PromptError error, Duration expectedWait) {
    return promptError(StatusCodes.TOO_MANY_REQUESTS, error, Json.object())
        .addHeader(RawHeader.create("Retry-After", Long.toString(wholeSeconds(expectedWait))));
  }

  /** Rounded up, at least one. */
  static long wholeSeconds(Duration duration) {
    return Math.max(1, (duration.toMillis() + 999) / 1000);
  }
}
