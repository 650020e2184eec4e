package quartet.api.ws;

import akka.NotUsed;
import akka.actor.typed.ActorRef;
import akka.http.javadsl.model.ws.Message;
import akka.http.javadsl.model.ws.TextMessage;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import akka.japi.Pair;
import akka.stream.Materializer;
import akka.stream.javadsl.Flow;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.ObjIntConsumer;
import quartet.api.auth.Principal;
import quartet.api.wire.EventJson;
import quartet.api.wire.Json;

/** {@code GET /ws?clientId=…}. */
public final class SocketRoute extends AllDirectives {
  /** Long enough for any feature-flags message, short enough that a client cannot fill memory. */
  private static final long FRAGMENT_MILLIS = 5000;

  private final ActorRef<SocketHub.Command> hub;
  private final Materializer materializer;
  private final long maxUploadBytes;
  private final ObjIntConsumer<String> dropped;

  /**
   * The route; connections report to the hub.
   *
   * @param dropped hears what slow clients miss
   */
  public SocketRoute(
      ActorRef<SocketHub.Command> hub,
      Materializer materializer,
      long maxUploadBytes,
      ObjIntConsumer<String> dropped) {
    this.hub = hub;
    this.materializer = materializer;
    this.maxUploadBytes = maxUploadBytes;
    this.dropped = dropped;
  }

  /** The route. */
  public Route route() {
    return path(
        "ws",
        () ->
            get(
                () ->
                    parameterOptional(
                        "clientId",
                        clientId ->
                            attribute(
                                Principal.KEY,
                                who ->
                                    handleWebSocketMessages(
                                        connection(who, clientId.orElse("")))))));
  }

  private Flow<Message, Message, NotUsed> connection(Principal who, String clientId) {
    String sid = clientId.isEmpty() ? UUID.randomUUID().toString().replace("-", "") : clientId;
    Outbox outbox = new Outbox(dropped);
    hub.tell(new SocketHub.Connected(who, sid, outbox));
    Source<Message, NotUsed> out =
        Source.unfoldAsync(
            outbox,
            box -> box.take().thenApply(next -> next.map(message -> Pair.create(box, message))));
    AtomicBoolean first = new AtomicBoolean(true);
    Sink<Message, NotUsed> in =
        Flow.<Message>create()
            .mapAsync(1, this::text)
            .map(
                text -> {
                  if (first.getAndSet(false)) {
                    greet(outbox, text);
                  }
                  return text;
                })
            .to(Sink.ignore());
    return Flow.fromSinkAndSourceCoupled(in, out)
        .watchTermination(
            (_, done) -> {
              var _ =
                  done.whenComplete(
                      (ok, failure) -> {
                        outbox.close();
                        hub.tell(new SocketHub.Disconnected(who, sid, outbox));
                      });
              return NotUsed.getInstance();
            });
  }

  /** Only the first message counts, and only if it says what the client can do. */
  private void greet(Outbox outbox, String text) {
    JsonNode json;
    try {
      json = Json.parse(text.getBytes(StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      return;
    }
    if (json.path("type").asText().equals("feature_flags")) {
      if (json.path("data").path("supports_preview_metadata").asBoolean(false)) {
        outbox.takeMetadata();
      }
      outbox.put(
          Outgoing.event(
              Outgoing.Rank.END,
              "feature_flags",
              EventJson.event("feature_flags", Features.json(maxUploadBytes))));
    }
  }

  private CompletionStage<String> text(Message message) {
    if (message.isText()) {
      return message
          .asTextMessage()
          .toStrict(FRAGMENT_MILLIS, materializer)
          .thenApply(TextMessage::getStrictText);
    }
    var _ = message.asBinaryMessage().getStreamedData().runWith(Sink.ignore(), materializer);
    return CompletableFuture.completedFuture("");
  }
}
