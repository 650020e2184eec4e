package quartet.tensor.cpu;

/**
 * A single-threaded float32 matrix product, row-major, on addresses.
 *
 * <p>Thread: any; each thread calls {@link #prepareThread} before its first product.
 */
interface Gemm {
  /** A name for people. */
  String name();

  /** Makes the calling thread compute alone: our own threads share the cores, nobody else's. */
  void prepareThread();

  /**
   * {@code C = alpha * A op(B) + beta * C}; with beta 0 the old C is not read.
   *
   * <p>Shapes: A {@code [m, k]}, B {@code [k, n]} or, transposed, {@code [n, k]}, C {@code [m, n]};
   * {@code ld*} are row lengths in floats.
   */
  void multiply(
      boolean transposeB,
      long m,
      long n,
      long k,
      float alpha,
      long a,
      long lda,
      long b,
      long ldb,
      float beta,
      long c,
      long ldc);
}
