package quartet.tensor.cuda;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.cuda.CudaErrorCode;
import quartet.cuda.raw.CublasLt;
import quartet.errors.EngineException;

/**
 * Matrix products by shape, each with the algorithm that was fastest on this card.
 *
 * <p>Owner: the backend. Thread: the device's.
 */
final class Products implements AutoCloseable {
  private final CublasLt library;
  private final Tuning tuning;
  private final Stopwatch stopwatch;
  private final CudaSettings settings;
  private final long workspace;
  private final long stream;
  private final Map<CublasLt.Spec, CublasLt.Product> products = new HashMap<>();

  Products(
      CublasLt library,
      Tuning tuning,
      Stopwatch stopwatch,
      CudaSettings settings,
      long workspace,
      long stream) {
    this.library = library;
    this.tuning = tuning;
    this.stopwatch = stopwatch;
    this.settings = settings;
    this.workspace = workspace;
    this.stream = stream;
  }

  /** Addresses of one product; {@code c} and {@code bias} are 0 where the spec has none. */
  record Operands(float alpha, long x, long w, long c, long bias, long y) {}

  /**
   * Queues a product.
   *
   * @param timing whether algorithms may be timed now; not while a graph is recorded
   */
  void run(CublasLt.Spec spec, Operands operands, boolean timing) {
    if (spec.accumulate() && (operands.c() == 0 || operands.c() == operands.y())) {
      throw new IllegalArgumentException(
          "a product that adds must not add in place, as timing repeats it: " + spec);
    }
    CublasLt.Product product = products.get(spec);
    if (product == null) {
      product = library.prepare(spec);
      choose(product, spec, operands, timing);
      products.put(spec, product);
    }
    execute(product, operands);
  }

  private void execute(CublasLt.Product product, Operands o) {
    product.run(
        o.alpha(), o.x(), o.w(), o.c() == 0 ? o.y() : o.c(), o.bias(), o.y(), workspace, stream);
  }

  private void choose(
      CublasLt.Product product, CublasLt.Spec spec, Operands operands, boolean timing) {
    String key = "product " + spec;
    CublasLt.Algorithm known = parse(tuning.choice(key));
    if (known != null && known.workspaceBytes() <= settings.workspaceBytes()) {
      product.choose(known);
      return;
    }
    boolean timed = settings.tune() && timing;
    List<CublasLt.Algorithm> proposals =
        product.proposals(timed ? settings.candidates() : 1, settings.workspaceBytes());
    if (proposals.isEmpty()) {
      throw new EngineException(
          CudaErrorCode.CUDA_UNSUPPORTED, "cuBLASLt has no way to compute " + spec + ".");
    }
    CublasLt.Algorithm best = proposals.getFirst();
    float fastest = Float.POSITIVE_INFINITY;
    for (CublasLt.Algorithm proposal : timed ? proposals : List.<CublasLt.Algorithm>of()) {
      product.choose(proposal);
      float milliseconds = stopwatch.milliseconds(() -> execute(product, operands));
      if (milliseconds < fastest) {
        fastest = milliseconds;
        best = proposal;
      }
    }
    product.choose(best);
    if (timed) {
      tuning.choose(key, best.hex() + " " + best.workspaceBytes());
    }
  }

  private static CublasLt.@Nullable Algorithm parse(@Nullable String choice) {
    int space = choice == null ? -1 : choice.indexOf(' ');
    return choice == null || space < 0
        ? null
        : new CublasLt.Algorithm(
            choice.substring(0, space), Long.parseLong(choice.substring(space + 1)));
  }

  @Override
  public void close() {
    products.values().forEach(CublasLt.Product::close);
    products.clear();
  }
}
