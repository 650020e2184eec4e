package quartet.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class PromptWeightsTest {
  @Test
  void parenthesesMultiplyAndNumbersReplace() {
    assertThat(PromptWeights.parse("a (b) ((c)) (d:0.5) ((e:2))"))
        .containsExactly(
            segment("a ", 1),
            segment("b", 1.1),
            segment(" ", 1),
            segment("c", 1.1 * 1.1),
            segment(" ", 1),
            segment("d", 0.5),
            segment(" ", 1),
            segment("e", 2));
  }

  @Test
  void whatIsNoNumberIsText() {
    assertThat(PromptWeights.parse("(a:b)")).containsExactly(segment("a:b", 1.1));
    assertThat(PromptWeights.parse("(:1.5)")).containsExactly(segment(":1.5", 1.1));
    assertThat(PromptWeights.parse("(a:0x1p3)")).containsExactly(segment("a:0x1p3", 1.1));
    assertThat(PromptWeights.parse("(a:1.5f)")).containsExactly(segment("a:1.5f", 1.1));
    assertThat(PromptWeights.parse("(a: -1_0.5e-1 )")).containsExactly(segment("a", -1.05));
  }

  @Test
  void escapedParenthesesAreText() {
    assertThat(PromptWeights.parse("x \\(y\\)")).containsExactly(segment("x (y)", 1));
    assertThat(PromptWeights.parse("(x \\) y)")).containsExactly(segment("x ) y", 1.1));
  }

  @Test
  void unbalancedTextIsKept() {
    assertThat(PromptWeights.parse("a (b")).containsExactly(segment("a ", 1), segment("(b", 1));
    assertThat(PromptWeights.parse("a) (b")).containsExactly(segment("a) (b", 1));
  }

  private static PromptWeights.Segment segment(String text, double weight) {
    return new PromptWeights.Segment(text, weight);
  }
}
