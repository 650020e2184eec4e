package quartet.api.http;

import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import quartet.api.wire.Json;
import scala.concurrent.duration.FiniteDuration;

/** Reads request bodies whatever their content type says: clients send JSON as anything. */
final class Bodies extends AllDirectives {
  private static final FiniteDuration PATIENCE = FiniteDuration.create(60, TimeUnit.SECONDS);

  /** The body's bytes. */
  Route bytes(Function<byte[], Route> handler) {
    return extractStrictEntity(PATIENCE, body -> handler.apply(body.getData().toArray()));
  }

  /** The body as JSON, or 400. */
  Route json(Function<JsonNode, Route> handler) {
    return bytes(
        body -> {
          JsonNode json;
          try {
            json = Json.parse(body);
          } catch (JsonProcessingException e) {
            return complete(
                Replies.text(
                    StatusCodes.BAD_REQUEST,
                    "the body is not valid JSON: " + e.getOriginalMessage()));
          }
          return handler.apply(json);
        });
  }

  /** The same, where no body is an empty object. */
  Route jsonOrNothing(Function<JsonNode, Route> handler) {
    return bytes(body -> body.length == 0 ? handler.apply(Json.object()) : json(handler));
  }
}
