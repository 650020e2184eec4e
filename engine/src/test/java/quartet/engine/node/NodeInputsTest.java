package quartet.engine.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodeInputsTest {
  private static final Input.IntInput COUNT = Input.integer("count", 1, 0, 9, 1);
  private static final Input.StringInput TEXT = Input.text("text", "");

  @Test
  void a_value_of_another_type_is_refused_with_both_types() {
    NodeInputs inputs = new NodeInputs(Map.of("count", "three"));
    assertThatThrownBy(() -> inputs.get(COUNT))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'count'")
        .hasMessageContaining("INT")
        .hasMessageContaining("String");
  }

  @Test
  void what_is_not_there_is_empty_or_an_error_with_its_name() {
    NodeInputs inputs = new NodeInputs(Map.of("count", 3L));
    assertThat(inputs.find(TEXT)).isEmpty();
    assertThat(inputs.getInt(COUNT)).isEqualTo(3);
    assertThat(inputs.has("count")).isTrue();
    assertThatThrownBy(() -> inputs.get(TEXT)).hasMessageContaining("'text'");
  }

  @Test
  void a_number_too_large_for_an_int_is_refused() {
    NodeInputs inputs = new NodeInputs(Map.of("count", 1L << 40));
    assertThatThrownBy(() -> inputs.getInt(COUNT)).isInstanceOf(ArithmeticException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "IMAGE, IMAGE, true",
    "IMAGE, MASK, false",
    "*, MASK, true",
    "IMAGE, *, true",
    "'IMAGE,MASK', MASK, true",
    "'IMAGE, MASK', 'LATENT,MASK', true",
    "'IMAGE,MASK', CLIP, false"
  })
  void types_fit_when_they_are_equal_anything_or_overlap(String to, String from, boolean fits) {
    assertThat(PortType.accepts(to, from)).isEqualTo(fits);
  }
}
