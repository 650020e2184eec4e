package quartet.engine.exec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import quartet.engine.fake.FakeCatalog;
import quartet.engine.fake.FakeNode;
import quartet.engine.fake.Json;
import quartet.engine.files.Folders;
import quartet.engine.graph.GraphValidator;
import quartet.engine.graph.Validation;
import quartet.engine.node.Input;
import quartet.engine.node.NodeSchema;
import quartet.errors.Required;
import quartet.testkit.Property;

/** Equal keys for equal work only. */
class CacheKeysTest {
  private static String key(ObjectNode inputs) {
    ObjectNode prompt = Json.object("{'1':{'class_type':'Texts'}}");
    ((ObjectNode) prompt.get("1")).set("inputs", inputs);
    GraphValidator validator =
        new GraphValidator(
            FakeNode.registry(
                List.of(
                    FakeNode.idle(
                        NodeSchema.named("Texts")
                            .optional(
                                Input.text("a", ""),
                                Input.text("b", ""),
                                Input.integer("n", 0, 0, 9, 1),
                                Input.fraction("f", 0, 0, 9, 1))
                            .outputNode()))),
            FakeCatalog.small());
    Validation.Ready ready = (Validation.Ready) validator.validate(prompt, null);
    return Required.in(CacheKeys.of(ready.plan(), Folders.below(Path.of("target"))), "1");
  }

  @Test
  void an_input_left_out_is_not_an_empty_one() {
    assertThat(key(Json.object("{}"))).isNotEqualTo(key(Json.object("{'a':''}")));
  }

  @Test
  void a_number_is_not_its_text_nor_a_fraction() {
    assertThat(key(Json.object("{'a':'1'}"))).isNotEqualTo(key(Json.object("{'n':1}")));
    assertThat(key(Json.object("{'f':1}"))).isNotEqualTo(key(Json.object("{'n':1}")));
    assertThat(key(Json.object("{'f':1}"))).isEqualTo(key(Json.object("{'f':1.0}")));
  }

  @Test
  void the_order_of_inputs_does_not_matter() {
    assertThat(key(Json.object("{'a':'x','b':'y'}")))
        .isEqualTo(key(Json.object("{'b':'y','a':'x'}")));
  }

  @Test
  void no_text_can_be_made_to_look_like_two_inputs() {
    Property.check(
        "texts with separators",
        500,
        cases -> {
          StringBuilder text = new StringBuilder("x");
          for (int i = cases.intIn(1, 8); i > 0; i--) {
            text.append(
                cases.oneOf("\0", "\1", "b", "String:", "8:", "1:b", "@", "/", "", "9:String:y"));
          }
          ObjectNode joined = Json.object("{}").put("a", text.toString());
          for (String b : new String[] {"", "y", "x"}) {
            for (int cut = 0; cut <= text.length(); cut++) {
              ObjectNode split = Json.object("{}").put("a", text.substring(0, cut)).put("b", b);
              assertThat(key(joined)).isNotEqualTo(key(split));
            }
          }
        });
  }

  @Test
  void the_text_that_joined_two_inputs_under_separators_is_told_apart() {
    ObjectNode joined = Json.object("{}").put("a", "x\0b\1String:y");
    ObjectNode split = Json.object("{}").put("a", "x").put("b", "y");
    assertThat(key(joined)).isNotEqualTo(key(split));
  }
}
