package quartet.api.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;

/** Whom a node of an expansion stands for. */
final class NodeIdsTest {
  private final ObjectNode prompt = Json.object();

  NodeIdsTest() {
    prompt.putObject("3");
    prompt.putObject("a.b.c.d.e");
    prompt.putObject("57:8");
  }

  @Test
  void aNodeOfThePromptStandsForItself() {
    assertThat(NodeIds.of(prompt, "3")).isEqualTo(new NodeIds("3", null, "3"));
    assertThat(NodeIds.of(prompt, "57:8")).isEqualTo(new NodeIds("57:8", null, "57:8"));
    assertThat(NodeIds.of(prompt, "a.b.c.d.e"))
        .isEqualTo(new NodeIds("a.b.c.d.e", null, "a.b.c.d.e"));
  }

  @Test
  void aNodeOfAnExpansionStandsForTheNodeOfThePrompt() {
    assertThat(NodeIds.of(prompt, "3.0.0.7")).isEqualTo(new NodeIds("3.0.0.7", "3", "3"));
    assertThat(NodeIds.of(prompt, "3.0.0.7.1.0.2"))
        .isEqualTo(new NodeIds("3.0.0.7.1.0.2", "3.0.0.7", "3"));
    assertThat(NodeIds.of(prompt, "a.b.c.d.e.0.0.1").real()).isEqualTo("a.b.c.d.e");
  }

  @Test
  void anUnknownIdStandsForItself() {
    assertThat(NodeIds.of(prompt, "9")).isEqualTo(new NodeIds("9", null, "9"));
  }
}
