package quartet.engine.bench;

import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import quartet.tensor.Activation;
import quartet.tensor.Backend;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.HostTensor;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Single ops at the sizes that Stable Diffusion 1.5 has at 512x512 with guidance, each against the
 * device's own ceiling, measured first: a large matrix product for arithmetic, a large copy for
 * memory. Inputs are random, since zeros run faster.
 */
public final class OpBench {
  private static final int LARGE = 8192;
  private static final int REPEATS = 20;
  private static final int HALF_BYTES = 2;
  private static final int CONTEXT = 77;

  private final Backend backend;
  private final DeviceClock clock;
  private final Random random = new Random(1);
  private double matrixCeiling = Double.NaN;
  private double copyCeiling = Double.NaN;

  /** For a backend. */
  public OpBench(Backend backend) {
    this.backend = backend;
    this.clock = new DeviceClock(backend);
  }

  /**
   * Measures all of them.
   *
   * @param figures given each as soon as it is measured
   */
  public void run(Consumer<Figure> figures) {
    Figure ceiling = linear(LARGE, LARGE, LARGE, 2);
    matrixCeiling = ceiling.rate();
    figures.accept(linear(LARGE, LARGE, LARGE, 2));
    Figure copy = copy();
    copyCeiling = copy.rate();
    figures.accept(copy());
    for (int[] c :
        new int[][] {
          {64, 320, 320}, {64, 640, 320}, {64, 960, 320}, {32, 640, 640}, {32, 1280, 640},
          {32, 1920, 640}, {16, 1280, 1280}, {16, 2560, 1280}, {8, 1280, 1280}, {8, 2560, 1280}
        }) {
      figures.accept(convolution(2, c[0], c[1], c[2]));
    }
    for (int[] m :
        new int[][] {
          {8192, 320, 320}, {8192, 320, 960}, {8192, 320, 2560}, {8192, 1280, 320},
          {2048, 640, 1920}, {2048, 640, 5120}, {2048, 2560, 640}, {512, 1280, 3840},
          {512, 1280, 10240}, {512, 5120, 1280}
        }) {
      figures.accept(linear(m[0], m[1], m[2], REPEATS));
    }
    for (int[] a : new int[][] {{4096, 40}, {1024, 80}, {256, 160}, {64, 160}}) {
      figures.accept(attention(a[0], a[0], a[1]));
      figures.accept(attention(a[0], CONTEXT, a[1]));
    }
    for (int[] n : new int[][] {{64, 320}, {64, 960}, {32, 640}, {16, 1280}, {8, 1280}}) {
      figures.accept(groupNorm(n[0], n[1]));
    }
    figures.accept(layerNorm(8192, 320));
    figures.accept(geglu(8192, 320));
  }

  private HostTensor random(long... extents) {
    Shape shape = Shape.of(extents);
    float[] values = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() * 0.5f;
    }
    return HostTensor.of(shape, values);
  }

  /** Random numbers in the type that networks compute in. */
  private Tensor half(TensorScope scope, Parameters parameters, long... extents) {
    int width = Math.toIntExact(extents[extents.length - 1]);
    int few = 8;
    Parameters.Linear spread = parameters.linear(random(width, few), null);
    Shape shape = Shape.of(extents);
    return scope
        .ops()
        .linear(
            scope.ops().upload(random(shape.withLast(few).extents())),
            spread,
            Activation.NONE,
            null);
  }

  private Figure arithmetic(String work, double milliseconds, double flop) {
    double rate = flop / milliseconds / 1e9;
    return new Figure(work, milliseconds, rate, "TFLOP/s", rate / matrixCeiling);
  }

  private Figure traffic(String work, double milliseconds, double bytes) {
    double rate = bytes / milliseconds / 1e6;
    return new Figure(work, milliseconds, rate, "GB/s", rate / copyCeiling);
  }

  private Figure linear(int rows, int in, int out, int repeats) {
    try (TensorScope scope = backend.openScope("bench");
        Parameters parameters = backend.openParameters("bench")) {
      Tensor x = half(scope, parameters, rows, in);
      Parameters.Linear weights = parameters.linear(random(out, in), random(out));
      double milliseconds =
          clock.op(
              scope,
              List.of(x),
              repeats,
              (ops, inputs) -> ops.linear(inputs.getFirst(), weights, Activation.NONE, null));
      return arithmetic(
          "linear %dx%d → %d".formatted(rows, in, out), milliseconds, 2.0 * rows * in * out);
    }
  }

  private Figure copy() {
    try (TensorScope scope = backend.openScope("bench")) {
      int count = 1 << 28;
      Tensor small = scope.ops().upload(random(1 << 16));
      Tensor large = small;
      while (large.shape().elements() < count) {
        large = scope.ops().concatFirst(large, large);
      }
      double milliseconds =
          clock.op(
              scope, List.of(large), 4, (ops, inputs) -> ops.concatFirst(inputs.getFirst(), small));
      return traffic("copy of 1 GiB", milliseconds, 8.0 * count);
    }
  }

  private Figure convolution(int batch, int extent, int in, int out) {
    try (TensorScope scope = backend.openScope("bench");
        Parameters parameters = backend.openParameters("bench")) {
      Tensor x = half(scope, parameters, batch, extent, extent, in);
      Parameters.Conv2d weights =
          parameters.conv2d(random(out, in, 3, 3), random(out), Conv2dGeometry.SAME_3X3);
      double milliseconds =
          clock.op(
              scope,
              List.of(x),
              REPEATS,
              (ops, inputs) -> ops.conv2d(inputs.getFirst(), weights, null));
      return arithmetic(
          "conv3x3 %dx%d², %d → %d".formatted(batch, extent, in, out),
          milliseconds,
          18.0 * batch * extent * extent * in * out);
    }
  }

  private Figure attention(int queries, int keys, int head) {
    int heads = 8;
    int width = heads * head;
    try (TensorScope scope = backend.openScope("bench");
        Parameters parameters = backend.openParameters("bench")) {
      Tensor q = half(scope, parameters, 2, queries, width);
      Tensor k = half(scope, parameters, 2, keys, width);
      double milliseconds =
          clock.op(
              scope,
              List.of(q, k),
              REPEATS,
              (ops, inputs) ->
                  ops.attention(inputs.get(0), inputs.get(1), inputs.get(1), heads, false));
      return arithmetic(
          "attention 2x8 heads of %d, %d by %d".formatted(head, queries, keys),
          milliseconds,
          4.0 * 2 * queries * keys * width);
    }
  }

  private Figure groupNorm(int extent, int channels) {
    try (TensorScope scope = backend.openScope("bench");
        Parameters parameters = backend.openParameters("bench")) {
      Tensor x = half(scope, parameters, 2, extent, extent, channels);
      Parameters.Norm norm = parameters.norm(random(channels), random(channels));
      double milliseconds =
          clock.op(
              scope,
              List.of(x),
              REPEATS,
              (ops, inputs) -> ops.groupNorm(inputs.getFirst(), norm, 32, 1e-5f, Activation.SILU));
      return traffic(
          "group norm, SiLU 2x%d²x%d".formatted(extent, channels),
          milliseconds,
          2.0 * HALF_BYTES * x.shape().elements());
    }
  }

  private Figure layerNorm(int rows, int width) {
    try (TensorScope scope = backend.openScope("bench");
        Parameters parameters = backend.openParameters("bench")) {
      Tensor x = half(scope, parameters, rows, width);
      Parameters.Norm norm = parameters.norm(random(width), random(width));
      double milliseconds =
          clock.op(
              scope,
              List.of(x),
              REPEATS,
              (ops, inputs) -> ops.layerNorm(inputs.getFirst(), norm, 1e-5f));
      return traffic(
          "layer norm %dx%d".formatted(rows, width), milliseconds, 2.0 * HALF_BYTES * rows * width);
    }
  }

  private Figure geglu(int rows, int width) {
    int out = 8 * width;
    try (TensorScope scope = backend.openScope("bench");
        Parameters parameters = backend.openParameters("bench")) {
      Tensor x = half(scope, parameters, rows, width);
      Parameters.Linear weights = parameters.linear(random(out, width), random(out));
      double milliseconds =
          clock.op(
              scope,
              List.of(x),
              REPEATS,
              (ops, inputs) -> ops.linearGeglu(inputs.getFirst(), weights));
      return arithmetic(
          "linear and GEGLU %dx%d → %d".formatted(rows, width, out / 2),
          milliseconds,
          2.0 * rows * width * out);
    }
  }
}
