package quartet.tensor.cuda;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import quartet.tensor.Shape;
import quartet.testkit.Cases;
import quartet.testkit.Property;

/** Attention against the reference, by our own kernels and by cuDNN's. */
final class AttentionOpsTest {
  /** Who computes it. */
  enum Way {
    OWN,
    LIBRARY;

    CudaSettings settings() {
      CudaSettings standard = Gpu.settings();
      return new CudaSettings(
          standard.cacheFolder().resolve("ways"),
          false,
          this == OWN ? 0 : standard.candidates(),
          standard.workspaceBytes());
    }
  }

  @ParameterizedTest
  @EnumSource
  void attention(Way way) {
    try (GpuTwins twins = new GpuTwins(way.settings())) {
      attention(twins);
      largeScores(twins);
    }
  }

  private static void attention(GpuTwins twins) {
    Property.check(
        "attention",
        24,
        cases -> {
          int head = cases.oneOf(4, 8, 10, 16, 40, 64, 80, 160, 168, 512);
          int heads = cases.intIn(1, 3);
          int queries = cases.oneOf(1, 16, 63, 64, 65, 77, 200);
          boolean causal = cases.coin();
          int keys = causal ? queries : cases.oneOf(1, 63, 64, 77, 130);
          int width = heads * head;
          Shape q = Shape.of(2, queries, width);
          Shape k = Shape.of(2, keys, width);
          float[] query = cases.normal(q.elements(), 1);
          float[] key = cases.normal(k.elements(), 1);
          float[] value = cases.normal(k.elements(), 1);
          twins.close(
              "attention %s x %s, %d heads of %d, causal %s".formatted(q, k, heads, head, causal),
              2,
              (ops, parameters, numbers) ->
                  ops.attention(
                      GpuTwins.half(ops, parameters, numbers.tensor(q, query)),
                      GpuTwins.half(ops, parameters, numbers.tensor(k, key)),
                      GpuTwins.half(ops, parameters, numbers.tensor(k, value)),
                      heads,
                      causal));
        });
  }

  private static void largeScores(GpuTwins twins) {
    Cases cases = new Cases(5);
    Shape shape = Shape.of(1, 100, 80);
    float[] query = cases.normal(shape.elements(), 6);
    float[] key = cases.normal(shape.elements(), 6);
    float[] value = cases.normal(shape.elements(), 1);
    twins.close(
        "attention of large scores",
        4,
        (ops, parameters, numbers) ->
            ops.attention(
                GpuTwins.half(ops, parameters, numbers.tensor(shape, query)),
                GpuTwins.half(ops, parameters, numbers.tensor(shape, key)),
                GpuTwins.half(ops, parameters, numbers.tensor(shape, value)),
                2,
                false));
  }
}
