package quartet.cluster.gpu;

import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;

/** Whose fault something was, and so what follows for the device. Pure. */
sealed interface Diagnosis {
  /** Nothing follows: all went well, or it is the prompt's own affair. */
  record Well() implements Diagnosis {}

  /** A new worker may heal the device: its actor is restarted. */
  record Failed(String reason, @Nullable Throwable cause) implements Diagnosis {}

  /** Only a new process can use the device again. */
  record Lost(String reason) implements Diagnosis {}

  /**
   * Of a prompt that has left the device.
   *
   * @param outcome how it ended, or null if it has not
   * @param cancelled what a cancelled prompt ends with is never the device's fault
   */
  static Diagnosis ofEnd(@Nullable ExecutionOutcome outcome, boolean cancelled) {
    if (cancelled || !(outcome instanceof ExecutionOutcome.Failed failed)) {
      return new Well();
    }
    return switch (failed.kind()) {
      case DEVICE -> new Failed(failed.message(), null);
      case DEVICE_LOST -> new Lost(failed.message());
      case INPUT, NOT_FOUND, BUSY, OUT_OF_MEMORY, STORAGE, INTERRUPTED, INTERNAL -> new Well();
    };
  }

  /** Of what a worker threw: never a prompt's affair, whatever kind of error it says it is. */
  static Diagnosis ofThrown(Throwable thrown) {
    Throwable cause =
        thrown instanceof CompletionException && thrown.getCause() != null
            ? thrown.getCause()
            : thrown;
    String reason = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    return cause instanceof EngineException engine && engine.kind() == ErrorKind.DEVICE_LOST
        ? new Lost(reason)
        : new Failed(reason, cause);
  }
}
