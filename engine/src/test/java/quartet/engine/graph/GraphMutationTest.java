package quartet.engine.graph;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import quartet.engine.fake.Json;
import quartet.testkit.Cases;
import quartet.testkit.Property;

/** Whatever is done to the guide's workflow, validation answers: it never throws or hangs. */
class GraphMutationTest {
  private static final String[] VALUES = {
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "1e300",
    "18446744073709551616",
    "''",
    "'abc'",
    "'NaN'",
    "'euler'",
    "[]",
    "{}",
    "['4',0]",
    "['3',0]",
    "['9',0]",
    "['x',0]",
    "['4',99]",
    "['4',-1]",
    "['4','0']",
    "[4,0]",
    "['4',0,0]",
    "[[],[]]",
    "[null,null]",
    "{'__value__':null}",
    "{'__value__':['4',0]}",
    "{'__value__':{'__value__':1}}",
    "'../../etc/passwd'",
    "'\\u0000'"
  };
  private static final String[] CLASSES = {
    "KSampler",
    "SaveImage",
    "LoadImage",
    "PreviewImage",
    "VAEEncode",
    "EmptyImage",
    "Everything",
    "Pass",
    "Nope",
    ""
  };

  @Test
  void any_mutation_gets_an_answer_in_the_form_of_the_wire() {
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(60),
        () -> Property.check("mutated workflow", 4000, GraphMutationTest::mutated));
  }

  private static void mutated(Cases cases) {
    ObjectNode prompt = Prompts.guide();
    for (int i = cases.intIn(1, 4); i > 0; i--) {
      mutate(prompt, cases);
    }
    ObjectNode before = prompt.deepCopy();
    Validation validation = Prompts.validate(prompt);
    assertThat(prompt).isEqualTo(before);
    for (JsonNode node : validation.nodeErrors()) {
      assertThat(node.path("errors")).isNotEmpty();
      assertThat(node.path("dependent_outputs")).isNotEmpty();
      assertThat(node.path("class_type").asText()).isNotEmpty();
      for (JsonNode error : node.path("errors")) {
        assertThat(error.path("type").asText()).isNotEmpty();
        assertThat(error.path("message").isTextual()).isTrue();
        assertThat(error.path("details").isTextual()).isTrue();
        assertThat(error.path("extra_info").isObject()).isTrue();
      }
    }
    if (validation instanceof Validation.Ready ready) {
      assertThat(ready.plan().nodes().keySet()).containsAll(ready.plan().outputs());
    }
  }

  private static void mutate(ObjectNode prompt, Cases cases) {
    List<String> ids = new ArrayList<>();
    prompt.fieldNames().forEachRemaining(ids::add);
    if (ids.isEmpty()) {
      return;
    }
    String id = cases.oneOf(ids);
    JsonNode inputs = prompt.path(id).path("inputs");
    switch (cases.intIn(0, 6)) {
      case 0 -> prompt.remove(id);
      case 1 -> prompt.set(id, Json.value(cases.oneOf(VALUES)));
      case 2 -> {
        if (prompt.get(id) instanceof ObjectNode node) {
          node.put("class_type", cases.oneOf(CLASSES));
        }
      }
      case 3 -> {
        if (prompt.get(id) instanceof ObjectNode node) {
          node.set(cases.oneOf("inputs", "class_type"), Json.value(cases.oneOf(VALUES)));
        }
      }
      default -> {
        List<String> names = new ArrayList<>();
        inputs.fieldNames().forEachRemaining(names::add);
        if (!names.isEmpty() && inputs instanceof ObjectNode object) {
          String name = cases.oneOf(names);
          if (cases.intIn(0, 5) == 0) {
            object.remove(name);
          } else {
            object.set(name, Json.value(cases.oneOf(VALUES)));
          }
        }
      }
    }
  }
}
