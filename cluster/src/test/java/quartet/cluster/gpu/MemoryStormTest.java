package quartet.cluster.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;

/** When memory that runs out is the device's fault. */
final class MemoryStormTest {
  private static final ExecutionOutcome SUCCEEDED = new ExecutionOutcome.Succeeded(Map.of());
  private static final ExecutionOutcome OUT_OF_MEMORY = failed(ErrorKind.OUT_OF_MEMORY);

  private static ExecutionOutcome failed(ErrorKind kind) {
    return ExecutionOutcome.Failed.outsideNodes(kind, "made by the test");
  }

  private static Diagnosis after(@Nullable ExecutionOutcome... outcomes) {
    MemoryStorm storm = MemoryStorm.CALM;
    for (ExecutionOutcome outcome : outcomes) {
      storm = storm.after(outcome);
    }
    return storm.diagnosis();
  }

  @Test
  void twoInARowAreThePromptsAffair() {
    assertThat(after(OUT_OF_MEMORY, OUT_OF_MEMORY)).isEqualTo(new Diagnosis.Well());
  }

  @Test
  void threeInARowAreTheDevicesFault() {
    assertThat(after(OUT_OF_MEMORY, OUT_OF_MEMORY, OUT_OF_MEMORY))
        .isEqualTo(new Diagnosis.Failed("3 prompts in a row ran out of memory", null));
  }

  @Test
  void anythingElseInBetweenEndsTheRow() {
    for (ExecutionOutcome other : new ExecutionOutcome[] {SUCCEEDED, failed(ErrorKind.INPUT)}) {
      assertThat(after(OUT_OF_MEMORY, OUT_OF_MEMORY, other, OUT_OF_MEMORY))
          .isEqualTo(new Diagnosis.Well());
    }
  }

  @Test
  void aPromptThatIsBeingSavedHadMemoryEnough() {
    assertThat(after(OUT_OF_MEMORY, OUT_OF_MEMORY, null, OUT_OF_MEMORY))
        .isEqualTo(new Diagnosis.Well());
  }
}
