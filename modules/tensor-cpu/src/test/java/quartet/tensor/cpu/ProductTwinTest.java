package quartet.tensor.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import quartet.tensor.Activation;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.testkit.Cases;
import quartet.testkit.Property;
import quartet.testkit.Tolerance;

/**
 * Convolutions and matrix products: the fast backend, with and without oneDNN, as the reference.
 */
class ProductTwinTest {
  private static final CpuHost PURE =
      new CpuHost(CpuSettings.ofThisMachine().withThreads(2).withOneDnn(false));

  static Stream<CpuHost> hosts() {
    return Stream.of(TestBackends.HOST, PURE);
  }

  /** A convolution and its input, drawn from a seed. */
  private record ConvCase(
      int batch,
      int height,
      int width,
      int cin,
      int cout,
      Conv2dGeometry geometry,
      boolean bias,
      boolean residual) {
    static ConvCase draw(Cases cases) {
      Conv2dGeometry geometry =
          cases.oneOf(
              Conv2dGeometry.SAME_3X3,
              Conv2dGeometry.SAME_3X3,
              Conv2dGeometry.SAME_3X3,
              Conv2dGeometry.POINTWISE,
              Conv2dGeometry.DOWN_3X3,
              Conv2dGeometry.DOWN_3X3_RIGHT_BOTTOM,
              new Conv2dGeometry(3, 1, 0, 0, 0, 0),
              new Conv2dGeometry(3, 1, 0, 2, 1, 0),
              new Conv2dGeometry(8, 8, 0, 0, 0, 0),
              new Conv2dGeometry(1, 2, 0, 0, 0, 0));
      int least = geometry.kernel();
      return new ConvCase(
          cases.intIn(1, 3),
          cases.intIn(least, least + 14),
          cases.intIn(least, least + 14),
          cases.oneOf(1, 3, 4, 8, 9, 16, 17, 32, 35, 48),
          cases.oneOf(1, 2, 3, 4, 8, 16, 19, 32, 40),
          geometry,
          cases.coin(),
          cases.coin());
    }

    Tensor run(Ops ops, Parameters parameters, Twins.Uploads up, float[] x, float[] w, float[] r) {
      int kernel = geometry.kernel();
      Parameters.Conv2d conv =
          parameters.conv2d(
              HostTensor.of(Shape.of(cout, cin, kernel, kernel), w),
              bias ? HostTensor.of(Shape.of(cout), Arrays.copyOf(w, cout)) : null,
              geometry);
      Shape out = Shape.of(batch, geometry.outHeight(height), geometry.outWidth(width), cout);
      return ops.conv2d(
          up.tensor(Shape.of(batch, height, width, cin), x),
          conv,
          residual ? up.tensor(out, Arrays.copyOf(r, (int) out.elements())) : null);
    }

    long inputs() {
      return (long) batch * height * width * cin;
    }

    long weights() {
      return (long) cout * cin * geometry.kernel() * geometry.kernel();
    }

    long mostOutputs() {
      return (long) batch * (height + 2) * (width + 2) * cout;
    }
  }

  @ParameterizedTest
  @MethodSource("hosts")
  void convolution(CpuHost host) {
    Property.check(
        "convolution",
        60,
        cases -> {
          ConvCase conv = ConvCase.draw(cases);
          float[] x = cases.normal(conv.inputs(), 1);
          float[] w = cases.normal(Math.max(conv.weights(), conv.cout()), 0.2);
          float[] r = cases.normal(conv.mostOutputs(), 1);
          Twins.compare(
              conv.toString(),
              host,
              Tolerance.of(2e-5),
              (ops, parameters, up) -> conv.run(ops, parameters, up, x, w, r));
        });
  }

  @ParameterizedTest
  @MethodSource("hosts")
  void convolutionOfWholeNumbersIsExact(CpuHost host) {
    Property.check(
        "convolution of whole numbers",
        40,
        cases -> {
          ConvCase conv = ConvCase.draw(cases);
          float[] x = cases.wholeNumbers(conv.inputs(), 8);
          float[] w = cases.wholeNumbers(Math.max(conv.weights(), conv.cout()), 8);
          float[] r = cases.wholeNumbers(conv.mostOutputs(), 100);
          Twins.compare(
              conv.toString(),
              host,
              Tolerance.EXACT,
              (ops, parameters, up) -> conv.run(ops, parameters, up, x, w, r));
        });
  }

  @Test
  void convolutionKeepsWhatIsNotFiniteWhereItIs() {
    Property.check(
        "convolution of NaN and infinities",
        40,
        cases -> {
          ConvCase conv = ConvCase.draw(cases);
          float[] x = cases.normal(conv.inputs(), 1);
          x[cases.intIn(0, x.length - 1)] =
              cases.oneOf(Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY);
          float[] w = cases.normal(Math.max(conv.weights(), conv.cout()), 0.2);
          float[] r = cases.normal(conv.mostOutputs(), 1);
          Twins.compare(
              TestBackends.HOST,
              (ops, parameters, up) -> conv.run(ops, parameters, up, x, w, r),
              (actual, expected) -> {
                float[] fast = actual.numbers().values;
                float[] slow = expected.numbers().values;
                for (int i = 0; i < slow.length; i++) {
                  // Winograd subtracts, so an infinity may come out as NaN; finite it never gets.
                  assertThat(Float.isFinite(fast[i]))
                      .as("%s at %d: %s, reference %s", conv, i, fast[i], slow[i])
                      .isEqualTo(Float.isFinite(slow[i]));
                }
                return true;
              });
        });
  }

  @Test
  void largeEnoughForEachWayThroughWinograd() {
    int[][] sizes = {{1, 40, 44, 32, 32}, {2, 8, 8, 256, 272}, {1, 70, 33, 96, 96}};
    for (int[] size : sizes) {
      ConvCase conv =
          new ConvCase(
              size[0], size[1], size[2], size[3], size[4], Conv2dGeometry.SAME_3X3, true, true);
      Cases cases = new Cases(7);
      float[] x = cases.wholeNumbers(conv.inputs(), 4);
      float[] w = cases.wholeNumbers(conv.weights(), 4);
      float[] r = cases.wholeNumbers(conv.mostOutputs(), 100);
      Twins.compare(
          conv.toString(),
          TestBackends.HOST,
          Tolerance.EXACT,
          (ops, parameters, up) -> conv.run(ops, parameters, up, x, w, r));
    }
  }

  @ParameterizedTest
  @MethodSource("hosts")
  void linear(CpuHost host) {
    Property.check(
        "linear",
        50,
        cases -> {
          int batch = cases.intIn(1, 3);
          int tokens = cases.oneOf(1, 2, 7, 77, 130);
          int in = cases.oneOf(1, 5, 16, 33, 64, 160);
          int out = cases.oneOf(1, 6, 16, 31, 64, 200);
          Activation activation = cases.oneOf(Activation.values());
          float[] x = cases.normal((long) batch * tokens * in, 1);
          float[] w = cases.normal((long) out * in, 0.3);
          float @Nullable [] bias = cases.coin() ? cases.normal(out, 1) : null;
          float @Nullable [] residual =
              cases.coin() ? cases.normal((long) batch * tokens * out, 1) : null;
          Twins.compare(
              "linear %dx%dx%d->%d %s".formatted(batch, tokens, in, out, activation),
              host,
              Tolerance.of(1e-5),
              (ops, parameters, up) ->
                  ops.linear(
                      up.tensor(Shape.of(batch, tokens, in), x),
                      parameters.linear(
                          HostTensor.of(Shape.of(out, in), w),
                          bias == null ? null : HostTensor.of(Shape.of(out), bias)),
                      activation,
                      residual == null ? null : up.tensor(Shape.of(batch, tokens, out), residual)));
        });
  }

  @Test
  void linearGeglu() {
    Property.check(
        "linearGeglu",
        30,
        cases -> {
          int rows = cases.oneOf(1, 3, 64, 129, 300);
          int in = cases.oneOf(1, 16, 40, 64);
          int half = cases.oneOf(1, 7, 32, 85, 600);
          float[] x = cases.normal((long) rows * in, 1);
          float[] w = cases.normal(2L * half * in, 0.3);
          float[] bias = cases.normal(2L * half, 1);
          Twins.compare(
              "linearGeglu %dx%d->%d".formatted(rows, in, half),
              TestBackends.HOST,
              Tolerance.of(2e-5),
              (ops, parameters, up) ->
                  ops.linearGeglu(
                      up.tensor(Shape.of(rows, in), x),
                      parameters.linear(
                          HostTensor.of(Shape.of(2L * half, in), w),
                          HostTensor.of(Shape.of(2L * half), bias))));
        });
  }

  @Test
  void attention() {
    Property.check(
        "attention",
        40,
        cases -> {
          int batch = cases.intIn(1, 2);
          int heads = cases.oneOf(1, 2, 5, 8);
          int headDim = cases.oneOf(1, 4, 8, 16, 24, 40, 64, 80);
          int tokens = cases.oneOf(1, 3, 64, 65, 100);
          boolean causal = cases.coin();
          int keys = causal && cases.coin() ? tokens : cases.oneOf(1, 2, 17, 77, 200);
          long width = (long) heads * headDim;
          double size = cases.oneOf(0.1, 1.0, 5.0);
          float[] q = cases.normal(width * batch * tokens, size);
          float[] k = cases.normal(width * batch * keys, size);
          float[] v = cases.normal(width * batch * keys, 1);
          Twins.compare(
              "attention B=%d T=%d U=%d N=%d S=%d causal=%s"
                  .formatted(batch, tokens, keys, heads, headDim, causal),
              TestBackends.HOST,
              Tolerance.of(3e-5),
              (ops, parameters, up) ->
                  ops.attention(
                      up.tensor(Shape.of(batch, tokens, width), q),
                      up.tensor(Shape.of(batch, keys, width), k),
                      up.tensor(Shape.of(batch, keys, width), v),
                      heads,
                      causal));
        });
  }

  @Test
  void attentionOverMoreKeysThanOneTile() {
    for (boolean causal : new boolean[] {false, true}) {
      Cases cases = new Cases(3);
      int tokens = 1100;
      float[] q = cases.normal(tokens * 8L, 2);
      float[] k = cases.normal(tokens * 8L, 2);
      float[] v = cases.normal(tokens * 8L, 1);
      Shape shape = Shape.of(1, tokens, 8);
      Twins.compare(
          "attention of 1100 tokens, causal " + causal,
          TestBackends.HOST,
          Tolerance.of(2e-5),
          (ops, parameters, up) ->
              ops.attention(
                  up.tensor(shape, q), up.tensor(shape, k), up.tensor(shape, v), 2, causal));
    }
  }

  @Test
  void attentionWithNaNSpoilsItsOwnRowsOnly() {
    Cases cases = new Cases(5);
    float[] q = cases.normal(70 * 16, 1);
    float[] kv = cases.normal(80 * 16, 1);
    q[5 * 16 + 3] = Float.NaN;
    q[66 * 16 + 9] = Float.POSITIVE_INFINITY;
    Twins.compare(
        "attention with NaN",
        TestBackends.HOST,
        Tolerance.of(1e-5),
        (ops, parameters, up) -> {
          Tensor keys = up.tensor(Shape.of(1, 80, 16), kv);
          return ops.attention(up.tensor(Shape.of(1, 70, 16), q), keys, keys, 2, false);
        });
  }
}
