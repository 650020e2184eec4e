package quartet.engine.model;

/** What a network is told beside the prompt. */
public enum LabelKind {
  /** Nothing. */
  NONE,
  /** The prompt's summary and sizes; see {@link SizeLabel}. */
  SIZES,
  /** A picture; see {@link ImageLabel}. */
  IMAGE
}
