package quartet.tensor;

import java.util.List;

/**
 * A function of tensors that a backend may record once for a set of shapes and then repeat as a
 * whole, without the cost of its single ops.
 *
 * <p>The function must depend on its inputs alone: whatever changes from call to call is an input,
 * and neither uploads nor downloads happen inside. The first call for a set of shapes computes
 * plainly.
 *
 * <p>Owner: whoever asked the backend for it. Thread: the device's.
 */
public interface Replay extends AutoCloseable {
  /** What is computed. */
  @FunctionalInterface
  interface Body {
    /**
     * Computes.
     *
     * @param scope for everything made on the way; results are in it or in a scope outside
     * @return results, the same number in each call
     */
    List<Tensor> run(TensorScope scope, List<Tensor> inputs);
  }

  /**
   * The function's results for these inputs.
   *
   * @param scope owns the results
   */
  List<Tensor> run(TensorScope scope, List<Tensor> inputs);

  /** Frees what was recorded. */
  @Override
  void close();

  /** One that computes plainly each time. */
  static Replay plain(Body body) {
    return new Replay() {
      @Override
      public List<Tensor> run(TensorScope scope, List<Tensor> inputs) {
        try (TensorScope inner = scope.child("replay")) {
          return body.run(inner, inputs).stream().map(inner::handOver).toList();
        }
      }

      @Override
      public void close() {}
    };
  }
}
