package quartet.rng;

/** Where the numbers of a Brownian tree's nodes come from. */
public enum NormalSource {
  /** PyTorch's CPU generator. */
  CPU,
  /** PyTorch's CUDA generator, computed on the host. */
  CUDA;

  float[] draw(long seed, int count) {
    return switch (this) {
      case CPU -> new TorchGenerator(seed).randn(count);
      case CUDA -> new PhiloxGenerator(seed).randn(count);
    };
  }
}
