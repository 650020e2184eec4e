package quartet.tensor;

/** What follows a matrix product or a norm. */
public enum Activation {
  /** Nothing. */
  NONE,
  /** x * sigmoid(x). Source: Elfwing et al. 2017. */
  SILU,
  /** x * sigmoid(1.702 x): CLIP's. */
  QUICK_GELU,
  /** x * Phi(x) with the exact error function. Source: Hendrycks and Gimpel 2016. */
  GELU
}
