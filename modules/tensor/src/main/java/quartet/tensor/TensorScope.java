package quartet.tensor;

/**
 * Owns every tensor its ops make and frees them together when it closes. Scopes nest: model, run,
 * step, block. A result leaves only by {@link #handOver}.
 *
 * <p>Thread: a scope belongs to the device's thread that opened it.
 */
public interface TensorScope extends AutoCloseable {
  /** The ops whose results this scope owns. */
  Ops ops();

  /** A scope inside this one. It must be closed before this one; closing this one closes it too. */
  TensorScope child(String purpose);

  /**
   * Moves a tensor that this scope owns to the scope this one was opened in, and returns it. A
   * tensor of an outer scope is returned as it is.
   *
   * @throws IllegalStateException on a root scope, or if the tensor is already freed
   */
  Tensor handOver(Tensor tensor);

  /** Bytes of the tensors it owns now, without its children's. */
  long liveBytes();

  /** Frees what is left. Closing twice does nothing. */
  @Override
  void close();
}
