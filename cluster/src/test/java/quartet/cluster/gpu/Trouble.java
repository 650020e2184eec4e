package quartet.cluster.gpu;

import quartet.errors.EngineException;
import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** Failures for tests. */
public final class Trouble {
  private Trouble() {}

  /** One of a kind. */
  public static EngineException of(ErrorKind kind) {
    return new EngineException(
        new ErrorCode() {
          @Override
          public String name() {
            return "TEST_" + kind;
          }

          @Override
          public ErrorKind kind() {
            return kind;
          }
        },
        "made by the test");
  }
}
