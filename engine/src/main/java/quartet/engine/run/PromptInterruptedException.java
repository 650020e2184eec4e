package quartet.engine.run;

/** The prompt was interrupted by its user or an operator. Not a failure. */
public final class PromptInterruptedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Made where the cancelled work stops. */
  public PromptInterruptedException() {
    super("the prompt was interrupted");
  }
}
