package quartet.cluster.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Facts as bytes: JSON in an envelope {@code {"v": 1, "type": …}}.
 *
 * <p>Version 1 is for ever: its golden files are tests. A field may be added if its absence has a
 * meaning; anything else is a version 2 beside it. Reading never throws, since one bad entry must
 * not take a journal of thousands with it: what cannot be read becomes {@link
 * PromptFact.Unreadable} with the reason.
 */
public final class FactCodec {
  private static final int VERSION = 1;
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
          .build();

  private FactCodec() {}

  /** The bytes to store. */
  public static byte[] bytes(PromptFact fact) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("v", VERSION);
    switch (fact) {
      case PromptFact.Queued queued -> write(json, queued);
      case PromptFact.Taken taken -> owner(json.put("type", "taken"), taken.owner());
      case PromptFact.Placed placed -> json.put("type", "placed").put("gpu_id", placed.gpuId());
      case PromptFact.Moved moved ->
          json.put("type", "moved")
              .put("gpu_id", moved.pinnedTo())
              .put("number", moved.number())
              .put("priority", moved.priority());
      case PromptFact.Started started ->
          json.put("type", "started")
              .put("gpu_id", started.gpuId())
              .put("at", started.timestampMillis());
      case PromptFact.Ended ended -> {
        json.put("type", "ended").put("gpu_id", ended.gpuId());
        json.put("started", ended.startedMillis()).put("ended", ended.endedMillis());
        json.set("cached", texts(ended.cached()));
        json.set("outcome", OutcomeCodec.json(ended.outcome()));
      }
      case PromptFact.Unreadable unreadable ->
          throw new IllegalStateException("not a fact to store: " + unreadable.reason());
    }
    try {
      return MAPPER.writeValueAsBytes(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a JSON tree could not be written", e);
    }
  }

  private static void write(ObjectNode json, PromptFact.Queued queued) {
    PromptJob job = queued.job();
    json.put("type", "queued").put("prompt_id", job.promptId());
    json.put("number", job.number()).put("accepted", job.accepted().toEpochMilli());
    json.put("client_id", job.clientId()).put("gpu_id", queued.pinnedTo());
    json.put("counter", queued.counter());
    if (queued.owner() != null) {
      owner(json, queued.owner());
    }
    json.set("checkpoints", texts(new TreeSet<>(queued.checkpoints())));
    json.set("outputs", texts(job.outputs()));
    json.set("extra_data", job.extraData());
    json.set("prompt", job.prompt());
  }

  private static void owner(ObjectNode json, Owner owner) {
    json.put("node", owner.node()).put("epoch", owner.epoch());
  }

  /** What was stored, or why it cannot be read. */
  public static PromptFact fact(byte[] bytes) {
    try {
      JsonNode json = MAPPER.readTree(bytes);
      int version = json.path("v").asInt(0);
      if (version != VERSION) {
        return new PromptFact.Unreadable(
            json.has("v")
                ? "an entry has version %s; this server reads version %d. A newer server wrote it"
                    .formatted(json.get("v"), VERSION)
                : "an entry carries no version");
      }
      return read(json);
    } catch (IOException e) {
      String why = e instanceof JsonProcessingException syntax ? syntax.getOriginalMessage() : null;
      return new PromptFact.Unreadable(
          "an entry of %d bytes is not JSON: %s".formatted(bytes.length, why));
    } catch (FieldException e) {
      return new PromptFact.Unreadable("an entry is malformed: " + e.getMessage());
    }
  }

  private static PromptFact read(JsonNode json) throws FieldException {
    String type = Fields.text(json, "type");
    return switch (type) {
      case "queued" -> queued(json);
      case "taken" -> new PromptFact.Taken(owner(json));
      case "placed" -> new PromptFact.Placed(Fields.whole(json, "gpu_id"));
      case "moved" ->
          new PromptFact.Moved(
              json.path("gpu_id").isInt() ? json.get("gpu_id").intValue() : null,
              Fields.number(json, "number"),
              Fields.whole(json, "priority"));
      case "started" ->
          new PromptFact.Started(Fields.whole(json, "gpu_id"), Fields.millis(json, "at"));
      case "ended" ->
          new PromptFact.Ended(
              Fields.whole(json, "gpu_id"),
              OutcomeCodec.outcome(Fields.object(json, "outcome")),
              Fields.texts(json, "cached"),
              Fields.millis(json, "started"),
              Fields.millis(json, "ended"));
      default -> new PromptFact.Unreadable("an entry has the unknown type '" + type + "'");
    };
  }

  private static Owner owner(JsonNode json) throws FieldException {
    return new Owner(Fields.text(json, "node"), Fields.millis(json, "epoch"));
  }

  private static PromptFact.Queued queued(JsonNode json) throws FieldException {
    return new PromptFact.Queued(
        new PromptJob(
            Fields.text(json, "prompt_id"),
            Fields.number(json, "number"),
            Fields.object(json, "prompt"),
            Fields.object(json, "extra_data"),
            Fields.texts(json, "outputs"),
            json.path("client_id").isTextual() ? json.get("client_id").textValue() : null,
            Instant.ofEpochMilli(Fields.millis(json, "accepted"))),
        json.path("gpu_id").isInt() ? json.get("gpu_id").intValue() : null,
        Set.copyOf(Fields.texts(json, "checkpoints")),
        Fields.millis(json, "counter"),
        json.has("node") ? owner(json) : null);
  }

  static ArrayNode texts(Collection<String> texts) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    texts.forEach(array::add);
    return array;
  }

  /** A field is missing or of another kind. */
  static final class FieldException extends Exception {
    private static final long serialVersionUID = 1L;

    FieldException(String field, String wanted) {
      super("field '%s' is missing or no %s".formatted(field, wanted));
    }
  }

  /** Typed access that names the field. */
  static final class Fields {
    private Fields() {}

    static String text(JsonNode json, String field) throws FieldException {
      if (!json.path(field).isTextual()) {
        throw new FieldException(field, "text");
      }
      return json.get(field).textValue();
    }

    static int whole(JsonNode json, String field) throws FieldException {
      if (!json.path(field).isInt()) {
        throw new FieldException(field, "whole number");
      }
      return json.get(field).intValue();
    }

    static long millis(JsonNode json, String field) throws FieldException {
      if (!json.path(field).canConvertToLong()) {
        throw new FieldException(field, "whole number");
      }
      return json.get(field).longValue();
    }

    static double number(JsonNode json, String field) throws FieldException {
      if (!json.path(field).isNumber()) {
        throw new FieldException(field, "number");
      }
      return json.get(field).doubleValue();
    }

    static ObjectNode object(JsonNode json, String field) throws FieldException {
      if (json.get(field) instanceof ObjectNode object) {
        return object;
      }
      throw new FieldException(field, "object");
    }

    static List<String> texts(JsonNode json, String field) throws FieldException {
      if (!json.path(field).isArray()) {
        throw new FieldException(field, "list of texts");
      }
      List<String> texts = new ArrayList<>();
      for (JsonNode one : json.get(field)) {
        if (!one.isTextual()) {
          throw new FieldException(field, "list of texts");
        }
        texts.add(one.textValue());
      }
      return texts;
    }
  }
}
