package quartet.engine.graph;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import quartet.engine.fake.Json;
import quartet.engine.node.Input;
import quartet.errors.Required;

/** Constants become what their input wants, by Python's rules, in plan and prompt alike. */
class GraphConversionTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "int|'3'|3",
        "int|' +3 '|3",
        "int|'-0_3'|-3",
        "int|1.9|1",
        "int|-1.9|-1",
        "int|true|1",
        "int|false|0",
        "int|{'__value__':4}|4",
        "float|2|2.0",
        "float|'2.5e0'|2.5",
        "float|'.5'|0.5",
        "float|'1_0.5'|10.5",
        "float|true|1.0",
        "float|0.1|0.1",
        "string|5|'5'",
        "string|1.5|'1.5'",
        "string|true|'True'",
        "string|false|'False'",
        "string|null|'None'",
        "string|'ä'|'ä'",
        "string|{'__value__':[1,2]}|'[1,2]'",
        "boolean|'false'|true",
        "boolean|''|false",
        "boolean|0|false",
        "boolean|0.0|false",
        "boolean|-1|true",
        "boolean|null|false",
        "boolean|{}|false",
        "boolean|{'__value__':[]}|false",
        "boolean|{'__value__':[0]}|true",
        "twenty|'o7'|'o7'",
      })
  void a_constant_is_converted_and_written_back(String input, String given, String expected) {
    ObjectNode submitted = Prompts.everything(input, given);
    ObjectNode before = submitted.deepCopy();
    ExecutionPlan plan = Prompts.ready(submitted);
    assertThat(Json.normal(plan.prompt().path("1").path("inputs").path(input)))
        .isEqualTo(Json.value(expected));
    Object planned = plan.nodes().values().iterator().next().constants().get(input);
    JsonNode wanted = Json.value(expected);
    assertThat(planned)
        .isEqualTo(
            switch (wanted.getNodeType()) {
              case BOOLEAN -> wanted.booleanValue();
              case STRING -> wanted.textValue();
              default ->
                  wanted.isIntegralNumber() ? wanted.longValue() : (Object) wanted.asDouble();
            });
    assertThat(submitted).as("what the client sent").isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'0x10'",
        "''",
        "'1__0'",
        "'_1'",
        "'1_'",
        "'--1'",
        "'1 2'",
        "'e5'",
        "'.'",
        "'1f'",
        "'1d'",
        "null",
        "{}",
        "{'__value__':[1]}"
      })
  void what_python_would_not_take_for_a_number_is_refused(String given) {
    for (String input : new String[] {"int", "float"}) {
      assertThat(Prompts.onlyError(Prompts.everything(input, given), "1").path("type").asText())
          .as(input)
          .isEqualTo("invalid_input_type");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"'nan'", "'NaN'"})
  void not_a_number_passes_as_in_python(String given) {
    ExecutionPlan plan = Prompts.ready(Prompts.everything("float", given));
    assertThat((Double) plan.nodes().values().iterator().next().constants().get("float")).isNaN();
  }

  @ParameterizedTest
  @ValueSource(strings = {"'inf'", "'Infinity'", "'1e999999999999'", "1e999"})
  void infinity_is_a_number_above_every_limit(String given) {
    JsonNode error = Prompts.onlyError(Prompts.everything("float", given), "1");
    assertThat(error.path("type").asText()).isEqualTo("value_bigger_than_max");
  }

  @Test
  void a_text_of_a_million_digits_is_refused_at_once() {
    String digits = "9".repeat(1_000_000);
    for (String input : new String[] {"int", "float"}) {
      assertThat(
              Prompts.onlyError(Prompts.everything(input, "'" + digits + "'"), "1")
                  .path("type")
                  .asText())
          .isEqualTo("invalid_input_type");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"0", "9223372036854775807", "9223372036854775808", "18446744073709551615"})
  void a_seed_keeps_all_its_64_bits(String seed) {
    for (String given : new String[] {seed, "'" + seed + "'"}) {
      ExecutionPlan plan = Prompts.ready(Prompts.guideWith("3", "seed", given));
      assertThat(plan.prompt().path("3").path("inputs").path("seed").toString()).isEqualTo(seed);
      long bits = (Long) Required.in(Required.in(plan.nodes(), "3").constants(), "seed");
      assertThat(Long.toUnsignedString(bits)).isEqualTo(seed);
    }
  }

  @Test
  void a_float_keeps_the_form_in_which_it_was_sent() {
    ExecutionPlan plan = Prompts.ready(Prompts.guide());
    assertThat(plan.prompt().path("3").path("inputs").path("cfg").toString()).isEqualTo("8.0");
    assertThat(plan.prompt().path("3").path("inputs").path("steps").toString()).isEqualTo("20");
  }

  @Test
  void inputs_that_no_schema_declares_are_kept_and_ignored() {
    ObjectNode prompt = Prompts.guideWith("5", "extra", "['nowhere',7]");
    ExecutionPlan plan = Prompts.ready(prompt);
    assertThat(Required.in(plan.nodes(), "5").links()).isEmpty();
    assertThat(Required.in(plan.nodes(), "5").constants()).doesNotContainKey("extra");
    assertThat(plan.prompt().path("5").path("inputs").path("extra"))
        .isEqualTo(Json.value("['nowhere',7]"));
  }

  @Test
  void a_constant_on_a_socket_passes_here_and_is_kept_as_it_is() {
    ExecutionPlan plan = Prompts.ready(Prompts.everything("image", "'x'"));
    assertThat(Required.in(plan.nodes(), "1").constants())
        .containsEntry("image", Json.value("'x'"));
  }

  @Test
  void every_kind_of_input_hands_its_value_to_the_node() {
    ExecutionPlan plan = Prompts.ready(Prompts.guide());
    assertThat(Required.in(plan.nodes(), "3").constants())
        .containsEntry("steps", 20L)
        .containsEntry("cfg", 8.0)
        .containsEntry("sampler_name", "euler");
    assertThat(new quartet.engine.node.NodeInputs(Required.in(plan.nodes(), "3").constants()))
        .satisfies(
            inputs -> assertThat(inputs.getInt(Input.integer("steps", 0, 0, 1, 1))).isEqualTo(20));
  }
}
