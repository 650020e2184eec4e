package quartet.cluster.fleet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.FactCodec;
import quartet.cluster.job.OutcomeCodec;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptFact;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptRecord;
import quartet.engine.node.ClientMessage;

/**
 * Events of prompts as JSON, for other servers' clients. The prompt itself goes along only with its
 * start and its end. Reading is lenient: what a newer server tells is passed over.
 */
final class EventCodec {
  private EventCodec() {}

  /** The event, or empty for an end: its record says more. */
  static Optional<ObjectNode> json(PromptEvent.OfPrompt event) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("id", event.job().promptId());
    return switch (event) {
      case PromptEvent.Started started ->
          Optional.of(
              json.put("type", "started")
                  .put("gpu", started.gpuId())
                  .put("at", started.timestampMillis())
                  .put("job", job(started.job())));
      case PromptEvent.Cached cached -> {
        json.put("type", "cached").put("at", cached.timestampMillis());
        cached.nodeIds().forEach(json.putArray("nodes")::add);
        yield Optional.of(json);
      }
      case PromptEvent.NodeStarted node ->
          Optional.of(json.put("type", "node").put("node", node.nodeId()));
      case PromptEvent.Progress step ->
          Optional.of(
              json.put("type", "progress")
                  .put("node", step.nodeId())
                  .put("value", step.value())
                  .put("max", step.max()));
      case PromptEvent.NodeFinished node -> {
        json.put("type", "finished").put("node", node.nodeId()).put("cached", node.cached());
        json.set("ui", node.ui());
        yield Optional.of(json);
      }
      case PromptEvent.Message told -> {
        json.put("type", "message").put("node", told.nodeId());
        switch (told.message()) {
          case ClientMessage.Picture picture -> json.put("png", picture.png());
          case ClientMessage.Text text -> json.put("text", text.text());
          case ClientMessage.NotRun notRun ->
              json.put("not_run", notRun.nodeType()).put("reason", notRun.message());
        }
        yield Optional.of(json);
      }
      case PromptEvent.Closed ignored -> Optional.of(json.put("type", "closed"));
      case PromptEvent.Ended ignored -> Optional.empty();
    };
  }

  /**
   * What {@link #json} wrote.
   *
   * @param known the prompt, if its start came here
   */
  static Optional<PromptEvent.OfPrompt> event(ObjectNode json, @Nullable PromptJob known) {
    PromptJob job = json.has("job") ? job(binary(json.path("job"))).orElse(known) : known;
    if (job == null) {
      return Optional.empty();
    }
    String node = json.path("node").asText();
    long at = json.path("at").asLong();
    return Optional.ofNullable(
        switch (json.path("type").asText()) {
          case "started" -> new PromptEvent.Started(job, json.path("gpu").asInt(), at);
          case "cached" -> new PromptEvent.Cached(job, texts(json.path("nodes")), at);
          case "node" -> new PromptEvent.NodeStarted(job, node);
          case "progress" ->
              new PromptEvent.Progress(
                  job, node, json.path("value").asInt(), json.path("max").asInt());
          case "finished" ->
              new PromptEvent.NodeFinished(
                  job,
                  node,
                  json.get("ui") instanceof ObjectNode ui ? ui : null,
                  json.path("cached").asBoolean());
          case "message" -> new PromptEvent.Message(job, node, message(json));
          case "closed" -> new PromptEvent.Closed(job);
          default -> null;
        });
  }

  private static ClientMessage message(JsonNode json) {
    return json.has("png")
        ? new ClientMessage.Picture(binary(json.path("png")))
        : json.has("text")
            ? new ClientMessage.Text(json.path("text").asText())
            : new ClientMessage.NotRun(json.path("not_run").asText(), json.path("reason").asText());
  }

  /** An ended prompt. */
  static ObjectNode record(PromptRecord record) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("job", job(record.job())).put("gpu", record.gpuId());
    json.put("started", record.startedMillis()).put("ended", record.endedMillis());
    record.cached().forEach(json.putArray("cached")::add);
    json.set("outcome", OutcomeCodec.json(record.outcome()));
    return json;
  }

  /** What {@link #record} wrote; empty if it is something else. */
  static Optional<PromptRecord> record(ObjectNode json) {
    if (!(json.get("outcome") instanceof ObjectNode outcome)) {
      return Optional.empty();
    }
    return job(binary(json.path("job")))
        .map(
            job ->
                new PromptRecord(
                    job,
                    json.path("gpu").asInt(),
                    OutcomeCodec.read(outcome),
                    texts(json.path("cached")),
                    json.path("started").asLong(),
                    json.path("ended").asLong()));
  }

  /** A prompt as the journal would write it. */
  static byte[] job(PromptJob job) {
    return FactCodec.bytes(new PromptFact.Queued(job, null, Set.of(), 0));
  }

  static Optional<PromptJob> job(byte[] bytes) {
    return entry(bytes).map(PromptFact.Queued::job);
  }

  static Optional<PromptFact.Queued> entry(byte[] bytes) {
    return FactCodec.fact(bytes) instanceof PromptFact.Queued entry
        ? Optional.of(entry)
        : Optional.empty();
  }

  private static byte[] binary(JsonNode json) {
    try {
      byte[] bytes = json.binaryValue();
      return bytes == null ? new byte[0] : bytes;
    } catch (IOException e) {
      return new byte[0];
    }
  }

  private static List<String> texts(JsonNode json) {
    List<String> texts = new ArrayList<>();
    json.forEach(one -> texts.add(one.asText()));
    return texts;
  }
}
