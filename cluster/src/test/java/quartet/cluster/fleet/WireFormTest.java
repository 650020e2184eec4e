package quartet.cluster.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.ActorSystem;
import akka.serialization.Serialization;
import akka.serialization.SerializationExtension;
import akka.serialization.jackson.JacksonObjectMapperProvider;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.typesafe.config.ConfigFactory;
import java.io.InputStream;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Servers of two versions in one cluster: what version 1 sends is read, nothing of it is called
 * anything else when it is sent on, and what a later version adds is passed over.
 *
 * <p>The golden file is never changed: a later form gets a file of its own.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class WireFormTest {
  private final ActorSystem system =
      ActorSystem.create(
          "WireFormTest",
          ConfigFactory.parseString("akka.actor.provider = local")
              .withFallback(ConfigFactory.parseResources("quartet-cluster.conf"))
              .withFallback(ConfigFactory.load()));
  private final Serialization serialization = SerializationExtension.get(system);
  private final ObjectMapper cbor =
      JacksonObjectMapperProvider.get(system).getOrCreate("jackson-cbor", Optional.empty());
  private final ObjectMapper json = JsonMapper.builder().build();

  @AfterAll
  void stop() {
    system.terminate();
  }

  private JsonNode golden() throws Exception {
    try (InputStream in =
        Objects.requireNonNull(
            WireFormTest.class.getResourceAsStream("/quartet/cluster/fleet/wire-v1.json"))) {
      return json.readTree(in);
    }
  }

  /** As another server reads it off the wire. */
  private Object read(String name, JsonNode fields) throws Exception {
    Class<?> type = Class.forName(FleetMessage.class.getName() + "$" + name);
    return serialization
        .deserialize(
            cbor.writeValueAsBytes(fields),
            serialization.serializerFor(type).identifier(),
            type.getName())
        .get();
  }

  /** What this version sends, as JSON: bytes as text. */
  private JsonNode sent(Object message) throws Exception {
    return json.readTree(
        json.writeValueAsBytes(cbor.readTree(serialization.serialize(message).get())));
  }

  @Test
  void everyMessageHasItsGoldenForm() throws Exception {
    Set<String> messages =
        Stream.of(FleetMessage.class.getDeclaredClasses())
            .filter(WireMessage.class::isAssignableFrom)
            .map(Class::getSimpleName)
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> known = new TreeSet<>();
    golden().fieldNames().forEachRemaining(known::add);
    assertThat(known).isEqualTo(messages);
  }

  @Test
  void whatVersionOneSendsIsReadAndKeepsItsNames() throws Exception {
    for (Map.Entry<String, JsonNode> one : golden().properties()) {
      JsonNode again = sent(read(one.getKey(), one.getValue()));
      one.getValue()
          .properties()
          .forEach(
              field ->
                  assertThat(plain(again.path(field.getKey())))
                      .as("%s.%s", one.getKey(), field.getKey())
                      .isEqualTo(plain(field.getValue())));
    }
  }

  /** A reference gets the number of what it refers to; there is none in the golden file. */
  private static String plain(JsonNode value) {
    return value.toString().replaceAll("(/deadLetters)#-?\\d+", "$1");
  }

  @Test
  void whatALaterVersionAddsIsPassedOver() throws Exception {
    for (Map.Entry<String, JsonNode> one : golden().properties()) {
      ObjectNode more = one.getValue().deepCopy();
      more.put("addedLater", 1).putObject("alsoLater").put("x", true);
      for (JsonNode inner : more) {
        if (inner instanceof ObjectNode object && one.getKey().equals("Beat")) {
          object.put("addedLater", 1);
        }
      }
      assertThat(sent(read(one.getKey(), more)))
          .as(one.getKey())
          .isEqualTo(sent(read(one.getKey(), one.getValue())));
    }
  }
}
