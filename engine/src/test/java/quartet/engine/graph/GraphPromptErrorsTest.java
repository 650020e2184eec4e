package quartet.engine.graph;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import quartet.engine.fake.Json;

/** What is wrong with a prompt as a whole, and prompts that are wrong in part. */
class GraphPromptErrorsTest {
  @Test
  void an_unknown_class_is_named_with_its_node_and_title() {
    ObjectNode prompt = Prompts.guide();
    prompt.set("20", Json.value("{'class_type':'Nope','inputs':{},'_meta':{'title':'My node'}}"));
    Validation.Invalid invalid = Prompts.invalid(prompt);
    JsonNode error = invalid.error().toJson();
    assertThat(error.path("type").asText()).isEqualTo("missing_node_type");
    assertThat(error.path("details").asText()).isEqualTo("Node ID '#20'");
    assertThat(error.path("extra_info"))
        .isEqualTo(Json.value("{'node_id':'20','class_type':'Nope','node_title':'My node'}"));
    assertThat(invalid.nodeErrors().isEmpty()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"{'inputs':{}}", "{}", "null", "5", "'text'", "['4',0]"})
  void a_node_without_class_type_has_null_there(String node) {
    ObjectNode prompt = Prompts.guide();
    prompt.set("20", Json.value(node));
    JsonNode extra = Prompts.invalid(prompt).error().extraInfo();
    assertThat(extra.path("node_id").asText()).isEqualTo("20");
    assertThat(extra.has("class_type")).isTrue();
    assertThat(extra.path("class_type").isNull()).isTrue();
  }

  @Test
  void a_prompt_without_an_output_node_is_refused() {
    ObjectNode prompt = Prompts.guide();
    prompt.remove("9");
    assertThat(Prompts.invalid(prompt).error().type()).isEqualTo("prompt_no_outputs");
    assertThat(Prompts.invalid(Json.object("{}")).error().type()).isEqualTo("prompt_no_outputs");
  }

  @Test
  void when_all_outputs_fail_their_own_errors_are_listed() {
    ObjectNode prompt = Prompts.guide();
    Prompts.inputs(prompt, "9").remove("images");
    prompt.set("10", Json.value("{'class_type':'PreviewImage','inputs':{'images':['4',2]}}"));
    PromptError error = Prompts.invalid(prompt).error();
    assertThat(error.type()).isEqualTo("prompt_outputs_failed_validation");
    assertThat(error.details())
        .isEqualTo(
            "Required input is missing: images\n"
                + "Return type mismatch between linked nodes: "
                + "images, received_type(VAE) mismatch input_type(IMAGE)");
    assertThat(error.extraInfo().isEmpty()).isTrue();
  }

  @Test
  void of_two_outputs_the_good_one_runs_and_the_bad_one_is_reported() {
    ObjectNode prompt = Prompts.guide();
    prompt.set("20", Json.value("{'class_type':'EmptyImage','inputs':{'width':0}}"));
    prompt.set("21", Json.value("{'class_type':'SaveImage','inputs':{'images':['20',0]}}"));
    Validation.Ready ready = (Validation.Ready) Prompts.validate(prompt);
    assertThat(ready.plan().outputs()).containsExactly("9");
    assertThat(ready.plan().nodes()).hasSize(7).doesNotContainKeys("20", "21");
    assertThat(ready.nodeErrors().path("20").path("dependent_outputs"))
        .isEqualTo(Json.value("['21']"));
    assertThat(ready.nodeErrors().path("21").path("errors").get(0).path("type").asText())
        .isEqualTo("required_input_missing");
  }

  @Test
  void an_error_that_two_outputs_share_stands_once_and_names_both() {
    ObjectNode prompt = Prompts.guideWith("5", "width", "8");
    prompt.set("10", Json.value("{'class_type':'PreviewImage','inputs':{'images':['8',0]}}"));
    JsonNode entry = Prompts.invalid(prompt).nodeErrors().path("5");
    assertThat(entry.path("errors")).hasSize(1);
    assertThat(entry.path("dependent_outputs")).isEqualTo(Json.value("['9','10']"));
  }

  @Test
  void only_wanted_outputs_are_checked_and_run() {
    ObjectNode prompt = Prompts.guide();
    prompt.set("10", Json.value("{'class_type':'PreviewImage','inputs':{}}"));
    Validation.Ready ready = (Validation.Ready) Prompts.validate(prompt, Set.of("9"));
    assertThat(ready.plan().outputs()).containsExactly("9");
    assertThat(ready.nodeErrors().isEmpty()).isTrue();
    Validation none = Prompts.validate(prompt, Set.of("8", "nobody"));
    assertThat(((Validation.Invalid) none).error().type()).isEqualTo("prompt_no_outputs");
  }

  @Test
  void nodes_that_no_output_needs_are_not_checked_but_for_their_class() {
    ObjectNode prompt = Prompts.guide();
    prompt.set("30", Json.value("{'class_type':'EmptyLatentImage','inputs':{'width':'abc'}}"));
    assertThat(Prompts.ready(prompt).nodes()).doesNotContainKey("30").hasSize(7);
  }

  @Test
  void a_circle_is_named_node_by_node() {
    ObjectNode prompt =
        Json.object(
            """
            {'1':{'class_type':'Pass','inputs':{'in':['3',0]}},
             '2':{'class_type':'Pass','inputs':{'in':['1',0]}},
             '3':{'class_type':'Pass','inputs':{'in':['2',0]}},
             '9':{'class_type':'Out','inputs':{'in':['3',0]}}}
            """);
    ObjectNode errors = Prompts.invalid(prompt).nodeErrors();
    assertThat(errors.size()).isEqualTo(1);
    JsonNode error = errors.path("3").path("errors").path(0);
    assertThat(error.path("type").asText()).isEqualTo("dependency_cycle");
    assertThat(error.path("details").asText())
        .isEqualTo("3 (Pass) -> 2 (Pass) -> 1 (Pass) -> 3 (Pass)");
    assertThat(error.path("extra_info"))
        .isEqualTo(Json.value("{'node_id':'3','cycle_nodes':['3','2','1']}"));
    assertThat(errors.path("3").path("dependent_outputs")).isEqualTo(Json.value("['9']"));
  }

  @Test
  void a_node_that_needs_itself_is_a_circle() {
    ObjectNode prompt =
        Json.object(
            """
            {'1':{'class_type':'Pass','inputs':{'in':['1',0]}},
             '9':{'class_type':'Out','inputs':{'in':['1',0]}}}
            """);
    assertThat(Prompts.onlyError(prompt, "1").path("details").asText())
        .isEqualTo("1 (Pass) -> 1 (Pass)");
  }

  @Test
  void each_of_two_separate_circles_fails_its_own_output() {
    ObjectNode prompt =
        Json.object(
            """
            {'1':{'class_type':'Pass','inputs':{'in':['1',0]}},
             '2':{'class_type':'Pass','inputs':{'in':['2',0]}},
             '8':{'class_type':'Out','inputs':{'in':['1',0]}},
             '9':{'class_type':'Out','inputs':{'in':['2',0]}}}
            """);
    ObjectNode errors = Prompts.invalid(prompt).nodeErrors();
    assertThat(errors.path("1").path("dependent_outputs")).isEqualTo(Json.value("['8']"));
    assertThat(errors.path("2").path("dependent_outputs")).isEqualTo(Json.value("['9']"));
  }

  @Test
  void a_circle_beside_good_outputs_does_not_stop_them() {
    ObjectNode prompt = Prompts.guide();
    prompt.set("1", Json.value("{'class_type':'Pass','inputs':{'in':['1',0]}}"));
    prompt.set("2", Json.value("{'class_type':'Out','inputs':{'in':['1',0],'more':['5',0]}}"));
    Validation.Ready ready = (Validation.Ready) Prompts.validate(prompt);
    assertThat(ready.plan().outputs()).containsExactly("9");
    assertThat(ready.nodeErrors().path("1").path("errors")).hasSize(1);
  }
}
