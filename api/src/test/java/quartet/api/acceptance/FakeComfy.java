package quartet.api.acceptance;

import akka.NotUsed;
import akka.actor.ActorSystem;
import akka.http.javadsl.Http;
import akka.http.javadsl.ServerBinding;
import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.model.ws.Message;
import akka.http.javadsl.model.ws.TextMessage;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import akka.http.javadsl.unmarshalling.Unmarshaller;
import akka.japi.Pair;
import akka.stream.OverflowStrategy;
import akka.stream.javadsl.Flow;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import akka.stream.javadsl.SourceQueueWithComplete;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import javax.imageio.ImageIO;
import quartet.api.wire.Json;

/**
 * A server that answers as ComfyUI does, as far as measuring it needs: it takes prompts, tells of
 * their ends over the WebSocket, and has one picture for all. Every {@code failEvery}-th prompt
 * fails.
 */
final class FakeComfy extends AllDirectives implements AutoCloseable {
  private final ActorSystem system = ActorSystem.create("comfy");
  private final ServerBinding binding;
  private final byte[] picture;
  private final int failEvery;
  private final Map<String, ObjectNode> history = new ConcurrentHashMap<>();
  private final List<SourceQueueWithComplete<Message>> sockets = new CopyOnWriteArrayList<>();
  private final AtomicInteger count = new AtomicInteger();

  FakeComfy(byte[] picture, int failEvery) {
    this.picture = picture;
    this.failEvery = failEvery;
    this.binding =
        Http.get(system).newServerAt("127.0.0.1", 0).bind(route()).toCompletableFuture().join();
  }

  /** The same picture, each pixel a little brighter. */
  static byte[] brighter(byte[] png) {
    try {
      BufferedImage image = ImageIO.read(new java.io.ByteArrayInputStream(png));
      BufferedImage other =
          new BufferedImage(image.getWidth(), image.getHeight(), BufferedImage.TYPE_INT_RGB);
      for (int y = 0; y < image.getHeight(); y++) {
        for (int x = 0; x < image.getWidth(); x++) {
          int rgb = image.getRGB(x, y) & 0xFFFFFF;
          other.setRGB(x, y, (rgb & 0xFF) < 0xFF ? rgb + 1 : rgb);
        }
      }
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      ImageIO.write(other, "png", out);
      return out.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String url() {
    return "http://127.0.0.1:" + binding.localAddress().getPort();
  }

  private Route route() {
    return concat(
        path("ws", () -> handleWebSocketMessages(socket())),
        path("system_stats", () -> complete(json(stats()))),
        path("prompt", () -> post(() -> entity(Unmarshaller.entityToString(), body -> prompt()))),
        path(
            PathMatchers.segment("history").slash(PathMatchers.segment()),
            id -> complete(json(Json.object().set(id, history.get(id))))),
        path(
            "view",
            () ->
                complete(
                    HttpResponse.create()
                        .withEntity(
                            HttpEntities.create(MediaTypes.IMAGE_PNG.toContentType(), picture)))));
  }

  private Flow<Message, Message, NotUsed> socket() {
    Pair<SourceQueueWithComplete<Message>, Source<Message, NotUsed>> out =
        Source.<Message>queue(100, OverflowStrategy.fail()).preMaterialize(system);
    sockets.add(out.first());
    return Flow.fromSinkAndSource(Sink.ignore(), out.second());
  }

  private static ObjectNode stats() {
    ObjectNode stats = Json.object();
    stats.putObject("system").put("comfyui_version", "0.3.75");
    stats.putArray("devices").addObject().put("name", "cuda:0 A Card");
    return stats;
  }

  private Route prompt() {
    int number = count.incrementAndGet();
    String id = "prompt-" + number;
    boolean fails = number % failEvery == 0;
    ObjectNode entry = Json.object();
    entry
        .putObject("status")
        .put("status_str", fails ? "error" : "success")
        .putArray("messages")
        .add("out of luck");
    entry
        .putObject("outputs")
        .putObject("9")
        .putArray("images")
        .addObject()
        .put("filename", "a b.png")
        .put("subfolder", "")
        .put("type", "output");
    history.put(id, entry);
    ObjectNode event = Json.object().put("type", fails ? "execution_error" : "execution_success");
    event.putObject("data").put("prompt_id", id);
    sockets.forEach(socket -> socket.offer(TextMessage.create(Json.text(event))));
    return complete(json(Json.object().put("prompt_id", id).put("number", number)));
  }

  private static HttpResponse json(JsonNode json) {
    return HttpResponse.create()
        .withStatus(StatusCodes.OK)
        .withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, Json.bytes(json)));
  }

  @Override
  public void close() {
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().join();
  }
}
