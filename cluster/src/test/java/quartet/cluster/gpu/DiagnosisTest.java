package quartet.cluster.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;

/** Whose fault an end or an exception is. */
final class DiagnosisTest {
  private static final Diagnosis WELL = new Diagnosis.Well();

  private static ExecutionOutcome failed(ErrorKind kind) {
    return ExecutionOutcome.Failed.outsideNodes(kind, "made by the test");
  }

  @ParameterizedTest
  @EnumSource
  void onlyTheDevicesOwnErrorsAreItsFault(ErrorKind kind) {
    Diagnosis expected =
        switch (kind) {
          case DEVICE -> new Diagnosis.Failed("made by the test", null);
          case DEVICE_LOST -> new Diagnosis.Lost("made by the test");
          case INPUT, NOT_FOUND, BUSY, OUT_OF_MEMORY, STORAGE, INTERRUPTED, INTERNAL -> WELL;
        };
    assertThat(Diagnosis.ofEnd(failed(kind), false)).isEqualTo(expected);
  }

  @ParameterizedTest
  @EnumSource
  void aCancelledPromptNeverIs(ErrorKind kind) {
    assertThat(Diagnosis.ofEnd(failed(kind), true)).isEqualTo(WELL);
  }

  @Test
  void endsThatAreNoFailuresAndEndsThatHaveNotComeSayNothing() {
    assertThat(Diagnosis.ofEnd(new ExecutionOutcome.Succeeded(Map.of()), false)).isEqualTo(WELL);
    assertThat(
            Diagnosis.ofEnd(
                new ExecutionOutcome.Interrupted(Map.of(), "1", "Test", List.of()), false))
        .isEqualTo(WELL);
    assertThat(Diagnosis.ofEnd(null, false)).isEqualTo(WELL);
  }

  @ParameterizedTest
  @EnumSource
  void whatAWorkerThrowsIsTheDevicesFaultWhateverItSays(ErrorKind kind) {
    EngineException thrown = Trouble.of(kind);
    assertThat(Diagnosis.ofThrown(thrown))
        .isEqualTo(
            kind == ErrorKind.DEVICE_LOST
                ? new Diagnosis.Lost("made by the test")
                : new Diagnosis.Failed("made by the test", thrown));
  }

  @Test
  void theCauseCountsAndNotTheFutureThatBroughtIt() {
    EngineException lost = Trouble.of(ErrorKind.DEVICE_LOST);
    assertThat(Diagnosis.ofThrown(new CompletionException(lost)))
        .isEqualTo(new Diagnosis.Lost("made by the test"));
    CompletionException bare = new CompletionException("no cause", null);
    assertThat(Diagnosis.ofThrown(bare)).isEqualTo(new Diagnosis.Failed("no cause", bare));
  }

  @Test
  void anExceptionWithoutAMessageIsNamed() {
    IllegalStateException silent = new IllegalStateException();
    assertThat(Diagnosis.ofThrown(silent))
        .isEqualTo(new Diagnosis.Failed("java.lang.IllegalStateException", silent));
  }
}
