package quartet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import quartet.tensor.Activation;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.testkit.Cases;
import quartet.testkit.Property;

/** Every op against the reference: both 16-bit types, sizes off every grid, exact on integers. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class CudaOpsTest {
  private @Nullable GpuTwins opened;

  @BeforeAll
  void open() {
    opened = new GpuTwins();
  }

  @AfterAll
  void close() {
    if (opened != null) {
      opened.close();
    }
  }

  private GpuTwins twins() {
    return java.util.Objects.requireNonNull(opened);
  }

  @Test
  void conv2d() {
    Property.check(
        "conv2d",
        16,
        cases -> {
          Conv2dGeometry geometry =
              cases.oneOf(
                  Conv2dGeometry.SAME_3X3,
                  Conv2dGeometry.POINTWISE,
                  Conv2dGeometry.DOWN_3X3,
                  Conv2dGeometry.DOWN_3X3_RIGHT_BOTTOM);
          int in = cases.oneOf(3, 4, 8, 24, 40);
          int out = cases.oneOf(3, 4, 8, 16, 40);
          Shape shape = Shape.of(cases.intIn(1, 3), cases.intIn(3, 17), cases.intIn(3, 17), in);
          Shape result =
              Shape.of(
                  shape.dim(0),
                  geometry.outHeight(shape.dim(1)),
                  geometry.outWidth(shape.dim(2)),
                  out);
          float[] x = cases.normal(shape.elements(), 1);
          Shape filter = Shape.of(out, in, geometry.kernel(), geometry.kernel());
          float[] w = cases.normal(filter.elements(), 0.1);
          float[] bias = cases.normal(out, 1);
          float[] residual = cases.normal(result.elements(), 1);
          boolean withBias = cases.coin();
          boolean withResidual = cases.coin();
          twins()
              .close(
                  "conv2d %s -> %d, %s".formatted(shape, out, geometry),
                  (ops, parameters, numbers) ->
                      ops.conv2d(
                          numbers.tensor(shape, x),
                          parameters.conv2d(
                              numbers.weight(filter, w),
                              withBias ? numbers.weight(Shape.of(out), bias) : null,
                              geometry),
                          withResidual ? numbers.tensor(result, residual) : null));
        });
  }

  @Test
  void conv2dOfWholeNumbersIsExact() {
    Cases cases = new Cases(7);
    Shape shape = Shape.of(2, 9, 11, 16);
    Shape filter = Shape.of(24, 16, 3, 3);
    float[] x = cases.wholeNumbers(shape.elements(), 2);
    float[] w = cases.wholeNumbers(filter.elements(), 2);
    float[] bias = cases.wholeNumbers(24, 9);
    twins()
        .equal(
            "conv2d of whole numbers",
            (ops, parameters, numbers) ->
                ops.conv2d(
                    numbers.tensor(shape, x),
                    parameters.conv2d(
                        numbers.weight(filter, w),
                        numbers.weight(Shape.of(24), bias),
                        Conv2dGeometry.SAME_3X3),
                    null));
  }

  @Test
  void linear() {
    Property.check(
        "linear",
        16,
        cases -> {
          int in = cases.oneOf(1, 7, 8, 40, 64, 321);
          int out = cases.oneOf(1, 5, 8, 40, 96);
          Shape shape = Shape.of(cases.intIn(1, 3), cases.oneOf(1, 5, 77), in);
          Activation activation = cases.oneOf(Activation.values());
          float[] x = cases.normal(shape.elements(), 1);
          float[] w = cases.normal((long) in * out, 1 / Math.sqrt(in));
          float[] bias = cases.normal(out, 1);
          float[] residual = cases.normal(shape.withLast(out).elements(), 1);
          boolean withResidual = cases.coin();
          boolean withBias = cases.coin();
          twins()
              .close(
                  "linear %s -> %d, %s".formatted(shape, out, activation),
                  2,
                  (ops, parameters, numbers) ->
                      ops.linear(
                          numbers.tensor(shape, x),
                          parameters.linear(
                              numbers.weight(Shape.of(out, in), w),
                              withBias ? numbers.weight(Shape.of(out), bias) : null),
                          activation,
                          withResidual ? numbers.tensor(shape.withLast(out), residual) : null));
        });
  }

  @Test
  void linearOfWholeNumbersIsExact() {
    Cases cases = new Cases(8);
    float[] x = cases.wholeNumbers(33 * 48, 3);
    float[] w = cases.wholeNumbers(40 * 48, 3);
    float[] bias = cases.wholeNumbers(40, 20);
    twins()
        .equal(
            "linear of whole numbers",
            (ops, parameters, numbers) ->
                ops.linear(
                    numbers.tensor(Shape.of(33, 48), x),
                    parameters.linear(
                        numbers.weight(Shape.of(40, 48), w), numbers.weight(Shape.of(40), bias)),
                    Activation.NONE,
                    null));
  }

  @Test
  void joinedAndStackedLinears() {
    Property.check(
        "joined linears",
        8,
        cases -> {
          int a = cases.oneOf(8, 24, 40);
          int b = cases.oneOf(8, 16, 33);
          int out = cases.oneOf(8, 40);
          Shape rows = Shape.of(2, cases.intIn(1, 30), 1);
          float[] x = cases.normal(rows.withLast(a).elements(), 1);
          float[] y = cases.normal(rows.withLast(b).elements(), 1);
          float[] w = cases.normal((long) out * (a + b), 0.2);
          float[] v = cases.normal((long) out * (a + b), 0.2);
          float[] bias = cases.normal(out, 1);
          twins()
              .close(
                  "joinedLinear",
                  2,
                  (ops, parameters, numbers) ->
                      ops.joinedLinear(
                          numbers.tensor(rows.withLast(a), x),
                          numbers.tensor(rows.withLast(b), y),
                          parameters.linear(
                              numbers.weight(Shape.of(out, a + b), w),
                              numbers.weight(Shape.of(out), bias))));
          twins()
              .close(
                  "linears",
                  (ops, parameters, numbers) ->
                      ops.linear(
                          ops.concatLast(
                              numbers.tensor(rows.withLast(a), x),
                              numbers.tensor(rows.withLast(b), y)),
                          parameters.linears(
                              List.of(
                                  numbers.weight(Shape.of(out, a + b), w),
                                  numbers.weight(Shape.of(out, a + b), v)),
                              List.of()),
                          Activation.NONE,
                          null));
        });
  }

  @Test
  void linearGeglu() {
    Property.check(
        "linearGeglu",
        8,
        cases -> {
          int in = cases.oneOf(8, 33, 64);
          int out = 2 * cases.oneOf(3, 8, 40);
          Shape shape = Shape.of(2, cases.intIn(1, 20), in);
          float[] x = cases.normal(shape.elements(), 1);
          float[] w = cases.normal((long) in * out, 1 / Math.sqrt(in));
          float[] bias = cases.normal(out, 1);
          twins()
              .close(
                  "linearGeglu %s -> %d".formatted(shape, out / 2),
                  3,
                  (ops, parameters, numbers) ->
                      ops.linearGeglu(
                          numbers.tensor(shape, x),
                          parameters.linear(
                              numbers.weight(Shape.of(out, in), w),
                              numbers.weight(Shape.of(out), bias))));
        });
  }

  @Test
  void groupNorm() {
    Property.check(
        "groupNorm",
        24,
        cases -> {
          int groups = cases.oneOf(1, 2, 8, 32);
          int left = groups * cases.oneOf(1, 2, 8, 10, 20);
          int right = groups * cases.oneOf(1, 4, 8);
          Shape rows = Shape.of(cases.intIn(1, 3), cases.intIn(1, 30), cases.intIn(1, 20), 1);
          Activation activation = cases.oneOf(Activation.values());
          float offset = cases.oneOf(0f, 5f, 60f);
          float[] x = moved(cases.normal(rows.withLast(left).elements(), 1), offset);
          float[] y = moved(cases.normal(rows.withLast(right).elements(), 1), offset);
          float[] vector = cases.normal((long) rows.dim(0) * left, 1);
          float[] scale = cases.normal(left + right, 1);
          float[] shift = cases.normal(left + right, 1);
          String what =
              "groupNorm %s x %d+%d, %d groups, mean %s"
                  .formatted(rows, left, right, groups, offset);
          twins()
              .close(
                  what,
                  2,
                  (ops, parameters, numbers) ->
                      ops.groupNorm(
                          numbers.tensor(rows.withLast(left), x),
                          parameters.norm(
                              numbers.weight(Shape.of(left), head(scale, left)),
                              numbers.weight(Shape.of(left), head(shift, left))),
                          groups,
                          1e-5f,
                          activation));
          twins()
              .close(
                  "shifted " + what,
                  2,
                  (ops, parameters, numbers) ->
                      ops.shiftedGroupNorm(
                          numbers.tensor(rows.withLast(left), x),
                          numbers.tensor(Shape.of(rows.dim(0), left), vector),
                          parameters.norm(
                              numbers.weight(Shape.of(left), head(scale, left)),
                              numbers.weight(Shape.of(left), head(shift, left))),
                          groups,
                          1e-5f,
                          activation));
          twins()
              .close(
                  "joined " + what,
                  2,
                  (ops, parameters, numbers) ->
                      ops.joinedGroupNorm(
                          numbers.tensor(rows.withLast(left), x),
                          numbers.tensor(rows.withLast(right), y),
                          parameters.norm(
                              numbers.weight(Shape.of(left + right), scale),
                              numbers.weight(Shape.of(left + right), shift)),
                          groups,
                          1e-5f,
                          activation));
        });
  }

  @Test
  void groupNormOfManyChannels() {
    Cases cases = new Cases(11);
    for (int channels : new int[] {2560, 4096, 5120}) {
      Shape shape = Shape.of(2, 8, 8, channels);
      float[] x = cases.normal(shape.elements(), 1);
      float[] scale = cases.normal(channels, 1);
      float[] shift = cases.normal(channels, 1);
      twins()
          .close(
              "groupNorm of %d channels".formatted(channels),
              (ops, parameters, numbers) ->
                  ops.groupNorm(
                      numbers.tensor(shape, x),
                      parameters.norm(
                          numbers.weight(Shape.of(channels), scale),
                          numbers.weight(Shape.of(channels), shift)),
                      32,
                      1e-5f,
                      Activation.NONE));
    }
  }

  /** Sizes of Stable Diffusion's levels: groups that a cluster of blocks shares, and too large. */
  @Test
  void groupNormOfLargePictures() {
    Cases cases = new Cases(12);
    for (int[] size :
        new int[][] {
          {64, 320, 0},
          {64, 640, 320},
          {32, 1280, 640},
          {16, 1280, 1280},
          {96, 96, 0},
          {200, 256, 64}
        }) {
      Shape left = Shape.of(size[0] == 200 ? 1 : 2, size[0], size[0] - 1, size[1]);
      Shape right = left.withLast(Math.max(1, size[2]));
      int channels = size[1] + size[2];
      float[] x = moved(cases.normal(left.elements(), 1), 3);
      float[] y = moved(cases.normal(right.elements(), 1), 3);
      float[] scale = cases.normal(channels, 1);
      float[] shift = cases.normal(channels, 1);
      twins()
          .close(
              "groupNorm of %s and %d channels beside it".formatted(left, size[2]),
              2,
              (ops, parameters, numbers) -> {
                var norm =
                    parameters.norm(
                        numbers.weight(Shape.of(channels), scale),
                        numbers.weight(Shape.of(channels), shift));
                Tensor first = numbers.tensor(left, x);
                return size[2] == 0
                    ? ops.groupNorm(first, norm, 32, 1e-5f, Activation.SILU)
                    : ops.joinedGroupNorm(
                        first, numbers.tensor(right, y), norm, 32, 1e-5f, Activation.SILU);
              });
    }
  }

  private static float[] moved(float[] numbers, float offset) {
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] += offset;
    }
    return numbers;
  }

  private static float[] head(float[] numbers, int count) {
    return java.util.Arrays.copyOf(numbers, count);
  }

  @Test
  void layerNorm() {
    Property.check(
        "layerNorm",
        16,
        cases -> {
          int width = cases.oneOf(2, 3, 8, 31, 64, 320, 640, 768, 777, 1280, 2048, 2056);
          Shape shape = Shape.of(1, cases.oneOf(1, 5, 77), width);
          float[] x = cases.normal(shape.elements(), 3);
          float[] scale = cases.normal(width, 1);
          float[] shift = cases.normal(width, 1);
          twins()
              .close(
                  "layerNorm " + shape,
                  (ops, parameters, numbers) ->
                      ops.layerNorm(
                          numbers.tensor(shape, x),
                          parameters.norm(
                              numbers.weight(Shape.of(width), scale),
                              numbers.weight(Shape.of(width), shift)),
                          1e-5f));
        });
  }

  @Test
  void selfAttention() {
    Property.check(
        "selfAttention",
        8,
        cases -> {
          int head = cases.oneOf(8, 10, 40, 64);
          int heads = cases.oneOf(1, 4);
          Shape shape = Shape.of(2, cases.oneOf(1, 64, 100), 3L * heads * head);
          float[] x = cases.normal(shape.elements(), 1);
          twins()
              .close(
                  "selfAttention " + shape,
                  2,
                  (ops, parameters, numbers) ->
                      ops.selfAttention(
                          GpuTwins.half(ops, parameters, numbers.tensor(shape, x)), heads, false));
        });
  }

  @Test
  void elementwise() {
    Property.check(
        "elementwise",
        8,
        cases -> {
          int count = cases.oneOf(0, 1, 17, 1000, 70_000);
          Shape shape = Shape.of(count);
          float[] x = cases.normal(count, 3);
          float[] y = cases.normal(count, 3);
          float a = cases.intIn(-20, 20) * 0.37f;
          float b = cases.intIn(-20, 20) * 0.11f;
          // Samplers' numbers are float32, so these are exact.
          twins().equal("add", (ops, p, n) -> ops.add(n.tensor(shape, x), n.tensor(shape, y)));
          twins()
              .equal(
                  "multiply", (ops, p, n) -> ops.multiply(n.tensor(shape, x), n.tensor(shape, y)));
          twins()
              .equal(
                  "linearCombination",
                  (ops, p, n) ->
                      ops.linearCombination(a, n.tensor(shape, x), b, n.tensor(shape, y)));
          twins().equal("affine", (ops, p, n) -> ops.affine(n.tensor(shape, x), a, b));
          twins().equal("clamp", (ops, p, n) -> ops.clamp(n.tensor(shape, x), -1f, 2f));
          for (Activation activation : Activation.values()) {
            twins()
                .close(
                    "activate " + activation,
                    (ops, p, n) -> ops.activate(n.tensor(shape, x), activation));
          }
        });
  }

  @Test
  void oddNumbersStayOdd() {
    Cases cases = new Cases(3);
    Shape shape = Shape.of(1000);
    float[] x = cases.withOddNumbers(cases.normal(1000, 3), 5);
    twins().equal("clamp", (ops, p, n) -> ops.clamp(n.tensor(shape, x), -1f, 2f));
    float[] some = {1f, Float.NaN, 2f, 3f};
    float[] norm = new float[4];
    try (var scope = twins().gpu().openScope("nan");
        var parameters = twins().gpu().openParameters("nan")) {
      Tensor y =
          scope
              .ops()
              .layerNorm(
                  scope.ops().upload(HostTensor.of(Shape.of(1, 4), some)),
                  parameters.norm(
                      HostTensor.of(Shape.of(4), norm), HostTensor.of(Shape.of(4), norm)),
                  1e-5f);
      assertThat(scope.ops().download(y)).containsOnly(Float.NaN);
    }
  }

  @Test
  void shapes() {
    Property.check(
        "shapes",
        12,
        cases -> {
          int channels = cases.oneOf(1, 3, 4, 8, 40);
          Shape shape = Shape.of(2, cases.intIn(1, 9), cases.intIn(1, 9), channels);
          float[] x = cases.normal(shape.elements(), 1);
          float[] y = cases.normal(shape.elements(), 1);
          int height = cases.intIn(1, 20);
          int width = cases.intIn(1, 20);
          twins().equal("toChannelsFirst", (o, p, n) -> o.toChannelsFirst(n.tensor(shape, x)));
          twins().equal("toChannelsLast", (o, p, n) -> o.toChannelsLast(n.tensor(shape, x)));
          twins()
              .equal(
                  "resizeNearest", (o, p, n) -> o.resizeNearest(n.tensor(shape, x), height, width));
          twins()
              .equal(
                  "concatLast", (o, p, n) -> o.concatLast(n.tensor(shape, x), n.tensor(shape, y)));
          twins()
              .equal(
                  "concatFirst",
                  (o, p, n) -> o.concatFirst(n.tensor(shape, x), n.tensor(shape, y)));
          twins().equal("sliceFirst", (o, p, n) -> o.sliceFirst(n.tensor(shape, x), 1, 2));
          twins()
              .equal(
                  "sliceLast",
                  (o, p, n) -> o.sliceLast(n.tensor(shape, x), channels / 2, channels));
          int pixels = 2 * shape.dim(1) * shape.dim(2);
          twins()
              .equal(
                  "reshape",
                  (o, p, n) -> o.reshape(n.tensor(shape, x), Shape.of(channels, 1, pixels)));
          // Columns do not lie next to each other, so these are copied first.
          twins()
              .equal(
                  "reshape of columns",
                  (o, p, n) ->
                      o.reshape(
                          o.sliceLast(n.tensor(shape, x), channels / 2, channels),
                          Shape.of((long) pixels * (channels - channels / 2))));
          twins()
              .equal(
                  "reshape of an item in half precision",
                  (o, p, n) ->
                      o.reshape(
                          o.sliceFirst(GpuTwins.half(o, p, n.tensor(shape, x)), 1, 2),
                          Shape.of(pixels / 2, channels)));
          twins()
              .equal(
                  "a sum of slices",
                  (o, p, n) ->
                      o.add(
                          o.sliceLast(n.tensor(shape, x), channels / 2, channels),
                          o.sliceLast(n.tensor(shape, y), channels / 2, channels)));
          twins()
              .equal(
                  "addPerChannel",
                  (o, p, n) ->
                      o.addPerChannel(
                          n.tensor(shape, x),
                          n.tensor(Shape.of(2, channels), head(y, 2 * channels))));
        });
  }

  @Test
  void embedding() {
    Cases cases = new Cases(4);
    float[] table = cases.normal(50 * 24, 1);
    int[] ids = {0, 49, 3, 3, 17, 20};
    twins()
        .equal(
            "embedding",
            (ops, parameters, numbers) ->
                ops.embedding(
                    parameters.table(numbers.weight(Shape.of(50, 24), table)),
                    ops.upload(HostTensor.of(Shape.of(2, 3), ids))));
  }
}
