package quartet.tensor.cuda;

/** What a piece of device memory is for: the ledger's tags. */
public enum MemoryUse {
  /** Tensors of open scopes. */
  ACTIVATIONS,
  /** Weights. */
  WEIGHTS,
  /** What recorded graphs compute in. */
  GRAPHS,
  /** Algorithms' scratch. */
  WORKSPACE
}
