package quartet.errors;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Trouble from the world: what happened, with which values, and what to do about it. The message is
 * a whole sentence for a person; the context carries the values for machines.
 */
public final class EngineException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient ErrorCode code;
  private final transient Map<String, String> context;

  /** An error without a cause and without further values. */
  public EngineException(ErrorCode code, String message) {
    this(code, message, Map.of(), null);
  }

  /** An error that another exception brought about. */
  public EngineException(ErrorCode code, String message, @Nullable Throwable cause) {
    this(code, message, Map.of(), cause);
  }

  /**
   * An error with the values it speaks of.
   *
   * @param context value names to values, kept in their order
   */
  public EngineException(
      ErrorCode code, String message, Map<String, String> context, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
    this.context = Collections.unmodifiableMap(new LinkedHashMap<>(context));
  }

  /** The stable name of what went wrong. */
  public ErrorCode code() {
    return code;
  }

  /** Who has to act. */
  public ErrorKind kind() {
    return code.kind();
  }

  /** The values the message speaks of, in order. */
  public Map<String, String> context() {
    return context;
  }
}
