package quartet.errors;

/**
 * A stable name for one way of failing, as it stands in logs and JSON. Each module has its own enum
 * that implements this.
 */
public interface ErrorCode {
  /** Upper snake case, for example {@code CHECKPOINT_MALFORMED}. */
  String name();

  /** Who has to act. */
  ErrorKind kind();
}
