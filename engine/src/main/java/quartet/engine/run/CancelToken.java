package quartet.engine.run;

/** Asked often by long work; set from another thread. */
public interface CancelToken {
  /** Never cancelled. */
  CancelToken NEVER = () -> false;

  /** True once the work should stop. */
  boolean isCancelled();

  /** Hears that the work asks, and so is alive, however long its steps take. */
  default void asked() {}

  /**
   * Stops the calling work if it should stop.
   *
   * @throws PromptInterruptedException if so
   */
  default void throwIfCancelled() {
    asked();
    if (isCancelled()) {
      throw new PromptInterruptedException();
    }
  }
}
