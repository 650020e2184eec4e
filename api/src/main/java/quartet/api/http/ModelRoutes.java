package quartet.api.http;

import akka.actor.typed.DispatcherSelector;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import quartet.api.wire.Json;
import quartet.engine.files.Folders;
import quartet.engine.files.ModelKeys;
import quartet.errors.EngineException;

/** {@code /models}, {@code /embeddings} and {@code /view_metadata}: which model files there are. */
final class ModelRoutes extends AllDirectives {
  /** A longer safetensors header is not read for its notes. */
  private static final long MAX_HEADER = 1L << 20;

  private final Folders folders;
  private final Executor blocking;

  ModelRoutes(ServerParts parts) {
    this.folders = parts.folders();
    this.blocking = parts.system().dispatchers().lookup(DispatcherSelector.blocking());
  }

  Route route() {
    return concat(
        path(
            PathMatchers.segment("models").slash(PathMatchers.segment()),
            key -> elsewhere(() -> models(key))),
        path("models", () -> get(() -> complete(Replies.json(keys())))),
        path("embeddings", () -> elsewhere(this::embeddings)),
        path(
            PathMatchers.segment("view_metadata").slash(PathMatchers.segment()),
            key ->
                parameterOptional(
                    "filename", name -> elsewhere(() -> metadata(key, name.orElse(""))))));
  }

  /** Folders may be slow. */
  private Route elsewhere(Supplier<HttpResponse> work) {
    return get(() -> completeWithFuture(CompletableFuture.supplyAsync(work, blocking)));
  }

  private static ArrayNode keys() {
    ArrayNode keys = JsonNodeFactory.instance.arrayNode();
    ModelKeys.all().forEach(keys::add);
    return keys;
  }

  private HttpResponse models(String key) {
    if (!ModelKeys.exists(key)) {
      return Replies.empty(StatusCodes.NOT_FOUND);
    }
    ArrayNode names = JsonNodeFactory.instance.arrayNode();
    folders.models(key).forEach(names::add);
    return Replies.json(names);
  }

  private HttpResponse embeddings() {
    ArrayNode names = JsonNodeFactory.instance.arrayNode();
    folders.models("embeddings").stream()
        .map(name -> name.substring(0, name.lastIndexOf('.')))
        .sorted()
        .forEach(names::add);
    return Replies.json(names);
  }

  private HttpResponse metadata(String key, String name) {
    if (!ModelKeys.exists(key) || !name.endsWith(".safetensors")) {
      return Replies.empty(StatusCodes.NOT_FOUND);
    }
    try {
      return notes(folders.model(key, name))
          .map(Replies::json)
          .orElseGet(() -> Replies.empty(StatusCodes.NOT_FOUND));
    } catch (EngineException e) {
      return Replies.empty(StatusCodes.NOT_FOUND);
    }
  }

  /** The {@code __metadata__} of a safetensors header; only the header is read. */
  static Optional<JsonNode> notes(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] prefix = in.readNBytes(Long.BYTES);
      if (prefix.length < Long.BYTES) {
        return Optional.empty();
      }
      long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
      if (length < 0 || length > MAX_HEADER) {
        return Optional.empty();
      }
      JsonNode notes = Json.parse(in.readNBytes((int) length)).path("__metadata__");
      return notes.isObject() ? Optional.of(notes) : Optional.empty();
    } catch (JsonProcessingException e) {
      return Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // gone or unreadable: there is nothing to show
    }
  }
}
