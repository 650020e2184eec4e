package quartet.engine.run;

/** Asked often by long work; set from another thread. */
public interface CancelToken {
  /** Never cancelled. */
  CancelToken NEVER = () -> false;

  /** True once the work should stop. */
  boolean isCancelled();

  /**
   * Stops the calling work if it should stop.
   *
   * @throws PromptInterruptedException if so
   */
  default void throwIfCancelled() {
    if (isCancelled()) {
      throw new PromptInterruptedException();
    }
  }
}
