package quartet.engine.graph;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import quartet.engine.fake.Json;

/** Each kind of bad input, with the JSON that clients rely on. */
class GraphErrorsTest {
  private static final String SEED =
      "['INT',{'default':0,'min':0,'max':18446744073709551615,'control_after_generate':true}]";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'1'|\"abc\"|abc",
        "'1'|null|null",
        "'1'|\"1.5\"|1.5",
        "'1'|{\"a\":1}|{\"a\":1}",
      })
  void what_is_no_whole_number_is_named_with_its_value(String id, String value, String shown) {
    ObjectNode prompt = Prompts.everything("int", value);
    JsonNode error = Prompts.onlyError(prompt, id.replace("'", ""));
    assertThat(error.path("type").asText()).isEqualTo("invalid_input_type");
    JsonNode extra = error.path("extra_info");
    assertThat(error.path("details").asText())
        .isEqualTo("int, " + shown + ", " + extra.path("exception_message").asText());
    assertThat(extra.path("input_name").asText()).isEqualTo("int");
    assertThat(extra.path("input_config"))
        .isEqualTo(Json.value("['INT',{'default':0,'min':-5,'max':5}]"));
    assertThat(extra.path("received_value")).isEqualTo(Json.value(value));
  }

  @ParameterizedTest
  @CsvSource({
    "steps, 0, value_smaller_than_min",
    "steps, 10001, value_bigger_than_max",
    "cfg, -0.1, value_smaller_than_min",
    "cfg, 100.5, value_bigger_than_max",
    "denoise, 1e400, value_bigger_than_max",
    "seed, -1, value_smaller_than_min",
    "seed, 18446744073709551616, value_bigger_than_max",
  })
  void a_number_out_of_range_is_refused_on_both_sides(String input, String value, String type) {
    ObjectNode prompt = Prompts.guide();
    if (value.equals("1e400")) {
      Prompts.inputs(prompt, "3").put(input, "1e400");
    } else {
      Prompts.inputs(prompt, "3").set(input, Json.value(value));
    }
    JsonNode error = Prompts.onlyError(prompt, "3");
    assertThat(error.path("type").asText()).isEqualTo(type);
    assertThat(error.path("details").asText()).isEqualTo(input);
    assertThat(error.path("extra_info").path("input_name").asText()).isEqualTo(input);
    assertThat(error.path("extra_info").has("received_value")).isTrue();
  }

  @Test
  void the_range_of_a_seed_is_shown_in_all_its_64_bits() {
    JsonNode error = Prompts.onlyError(Prompts.guideWith("3", "seed", "-1"), "3");
    assertThat(error.path("extra_info").path("input_config")).isEqualTo(Json.value(SEED));
    assertThat(error.path("extra_info").path("received_value")).isEqualTo(Json.value("-1"));
  }

  @Test
  void a_missing_input_is_named() {
    ObjectNode prompt = Prompts.guide();
    Prompts.inputs(prompt, "6").remove("clip");
    assertThat(Prompts.onlyError(prompt, "6"))
        .isEqualTo(
            Json.value(
                """
                {'type':'required_input_missing','message':'Required input is missing',
                 'details':'clip','extra_info':{'input_name':'clip'}}
                """));
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "7", "'text'", "[]", "['4']"})
  void a_node_whose_inputs_are_no_object_misses_all_of_them(String inputs) {
    ObjectNode prompt = Prompts.guide();
    ((ObjectNode) prompt.path("5")).set("inputs", Json.value(inputs));
    assertThat(types(prompt, "5")).containsOnly("required_input_missing").hasSize(3);
  }

  @Test
  void a_short_list_of_options_is_shown() {
    JsonNode error = Prompts.onlyError(Prompts.everything("twenty", "'x'"), "1");
    assertThat(error.path("type").asText()).isEqualTo("value_not_in_list");
    assertThat(error.path("details").asText()).startsWith("twenty: 'x' not in [o0, o1, ");
    assertThat(error.path("extra_info").path("input_config").path(0)).hasSize(20);
    assertThat(error.path("extra_info").path("received_value").asText()).isEqualTo("x");
  }

  @Test
  void of_a_long_list_of_options_only_the_length_is_shown() {
    JsonNode error = Prompts.onlyError(Prompts.everything("twenty_one", "'x'"), "1");
    assertThat(error.path("details").asText())
        .isEqualTo("twenty_one: 'x' not in (list of length 21)");
    assertThat(error.path("extra_info").path("input_config").isNull()).isTrue();
    assertThat(error.path("extra_info").path("received_value").asText()).isEqualTo("x");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "null", "true", "{'a':1}"})
  void an_option_that_is_no_text_is_not_in_the_list(String value) {
    JsonNode error = Prompts.onlyError(Prompts.everything("twenty", value), "1");
    assertThat(error.path("type").asText()).isEqualTo("value_not_in_list");
    assertThat(error.path("extra_info").path("received_value")).isEqualTo(Json.value(value));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "['5']",
        "['5',0,0]",
        "['5','0']",
        "['5',null]",
        "['5',0.5]",
        "['5',true]",
        "[['5'],0]",
        "[{},0]",
        "['5',9999999999]"
      })
  void a_link_of_the_wrong_form_is_refused_by_name(String link) {
    JsonNode error = Prompts.onlyError(Prompts.guideWith("3", "latent_image", link), "3");
    assertThat(error.path("type").asText()).isEqualTo("bad_linked_input");
    assertThat(error.path("details").asText()).isEqualTo("latent_image");
    assertThat(error.path("extra_info"))
        .isEqualTo(
            Json.value(
                "{'input_name':'latent_image','input_config':['LATENT',{}],'received_value':"
                    + link
                    + "}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "['77',0]|latent_image: node '77' does not exist",
        "['5',1]|latent_image: node '5' (EmptyLatentImage) has 1 outputs, slot 1 was asked for",
        "['5',-1]|latent_image: node '5' (EmptyLatentImage) has 1 outputs, slot -1 was asked for",
        "['9',0]|latent_image: node '9' (SaveImage) has 0 outputs, slot 0 was asked for",
      },
      quoteCharacter = '`')
  void a_link_to_what_is_not_there_says_what_is_missing(String link, String details) {
    JsonNode error = Prompts.onlyError(Prompts.guideWith("3", "latent_image", link), "3");
    assertThat(error.path("type").asText()).isEqualTo("bad_linked_input");
    assertThat(error.path("details").asText()).isEqualTo(details);
    assertThat(error.path("extra_info").path("received_value")).isEqualTo(Json.value(link));
  }

  @Test
  void a_link_of_the_wrong_type_names_both_types() {
    JsonNode error = Prompts.onlyError(Prompts.guideWith("8", "vae", "['4',1]"), "8");
    assertThat(error.path("type").asText()).isEqualTo("return_type_mismatch");
    assertThat(error.path("details").asText())
        .isEqualTo("vae, received_type(CLIP) mismatch input_type(VAE)");
    assertThat(error.path("extra_info"))
        .isEqualTo(
            Json.value(
                """
                {'input_name':'vae','input_config':['VAE',{}],'received_type':'CLIP',
                 'linked_node':['4',1]}
                """));
  }

  @Test
  void all_errors_of_all_nodes_are_reported_at_once() {
    ObjectNode prompt = Prompts.guideWith("3", "steps", "0");
    Prompts.inputs(prompt, "3").put("cfg", 1000).put("sampler_name", "magic");
    Prompts.inputs(prompt, "5").put("width", 8);
    assertThat(types(prompt, "3"))
        .containsExactlyInAnyOrder(
            "value_smaller_than_min", "value_bigger_than_max", "value_not_in_list");
    assertThat(types(prompt, "5")).containsExactly("value_smaller_than_min");
    ObjectNode errors = Prompts.invalid(prompt).nodeErrors();
    assertThat(errors.size()).as("nodes that are only downstream are left out").isEqualTo(2);
    assertThat(errors.path("5").path("dependent_outputs")).isEqualTo(Json.value("['9']"));
    assertThat(errors.path("5").path("class_type").asText()).isEqualTo("EmptyLatentImage");
  }

  @Test
  void a_node_s_own_check_speaks_for_its_input() {
    ObjectNode prompt =
        Json.object(
            """
            {'1':{'class_type':'LoadImage','inputs':{'image':'gone.png'}},
             '2':{'class_type':'PreviewImage','inputs':{'images':['1',0]}}}
            """);
    JsonNode error = Prompts.onlyError(prompt, "1");
    assertThat(error.path("type").asText()).isEqualTo("custom_validation_failed");
    assertThat(error.path("details").asText()).isEqualTo("image - no such picture: gone.png");
    assertThat(error.path("extra_info")).isEqualTo(Json.value("{'input_name':'image'}"));
  }

  private static List<String> types(ObjectNode prompt, String node) {
    JsonNode errors = Prompts.invalid(prompt).nodeErrors().path(node).path("errors");
    return IntStream.range(0, errors.size())
        .mapToObj(i -> errors.get(i).path("type").asText())
        .toList();
  }
}
