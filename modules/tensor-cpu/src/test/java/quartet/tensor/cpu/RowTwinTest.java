package quartet.tensor.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import quartet.tensor.Activation;
import quartet.tensor.DType;
import quartet.tensor.Device;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.testkit.Property;
import quartet.testkit.TensorAssertions;
import quartet.testkit.Tolerance;

/** Norms, element-wise functions and shapes: the fast backend as the reference. */
class RowTwinTest {
  private static final CpuHost HOST = TestBackends.HOST;

  @Test
  void groupNorm() {
    Property.check(
        "groupNorm",
        50,
        cases -> {
          int groups = cases.oneOf(1, 2, 4, 32);
          int channels = groups * cases.oneOf(1, 2, 3, 10);
          int batch = cases.intIn(1, 3);
          int height = cases.intIn(1, 20);
          int width = cases.intIn(1, 20);
          Shape shape = Shape.of(batch, height, width, channels);
          Activation activation = cases.oneOf(Activation.values());
          // A mean far from zero, as after a residual stream: what one-pass formulas get wrong.
          float offset = cases.oneOf(0f, 5f, 100f);
          float[] x = cases.normal(shape.elements(), 1);
          for (int i = 0; i < x.length; i++) {
            x[i] += offset;
          }
          float[] scale = cases.normal(channels, 1);
          float[] shift = cases.normal(channels, 1);
          Twins.compare(
              "groupNorm %s, %d groups, %s, mean %s".formatted(shape, groups, activation, offset),
              HOST,
              Tolerance.of(offset > 50 ? 2e-4 : 2e-5),
              (ops, parameters, up) ->
                  ops.groupNorm(
                      up.tensor(shape, x),
                      parameters.norm(
                          HostTensor.of(Shape.of(channels), scale),
                          HostTensor.of(Shape.of(channels), shift)),
                      groups,
                      1e-5f,
                      activation));
        });
  }

  @Test
  void layerNorm() {
    Property.check(
        "layerNorm",
        30,
        cases -> {
          int channels = cases.oneOf(2, 3, 16, 31, 64, 320, 777);
          int rows = cases.oneOf(1, 5, 77, 150);
          float[] x = cases.normal((long) rows * channels, 3);
          if (cases.coin()) {
            x = cases.withOddNumbers(x, 500);
          }
          float[] numbers = x;
          float[] scale = cases.normal(channels, 1);
          float[] shift = cases.normal(channels, 1);
          Twins.compare(
              "layerNorm %d x %d".formatted(rows, channels),
              HOST,
              Tolerance.of(2e-5),
              (ops, parameters, up) ->
                  ops.layerNorm(
                      up.tensor(Shape.of(1, rows, channels), finiteRange(numbers)),
                      parameters.norm(
                          HostTensor.of(Shape.of(channels), scale),
                          HostTensor.of(Shape.of(channels), shift)),
                      1e-5f));
        });
  }

  /** Squares of numbers near the largest float leave float32, where the reference has doubles. */
  private static float[] finiteRange(float[] numbers) {
    float[] out = numbers.clone();
    for (int i = 0; i < out.length; i++) {
      if (Math.abs(out[i]) > 1e18f && Float.isFinite(out[i])) {
        out[i] = 1e3f;
      }
    }
    return out;
  }

  @Test
  void elementwise() {
    Property.check(
        "elementwise",
        60,
        cases -> {
          int count = cases.oneOf(0, 1, 15, 16, 17, 100, 1000, 70_000);
          Shape shape = Shape.of(count);
          float[] x = cases.withOddNumbers(cases.normal(count, 3), 20);
          float[] y = cases.withOddNumbers(cases.normal(count, 3), 20);
          float a = cases.intIn(-20, 20) * 0.37f;
          float b = cases.intIn(-20, 20) * 0.11f;
          Twins.compare(
              "add",
              HOST,
              Tolerance.EXACT,
              (ops, p, up) -> ops.add(up.tensor(shape, x), up.tensor(shape, y)));
          Twins.compare(
              "multiply",
              HOST,
              Tolerance.EXACT,
              (ops, p, up) -> ops.multiply(up.tensor(shape, x), up.tensor(shape, y)));
          Twins.compare(
              "linearCombination",
              HOST,
              Tolerance.EXACT,
              (ops, p, up) ->
                  ops.linearCombination(a, up.tensor(shape, x), b, up.tensor(shape, y)));
          Twins.compare(
              "affine",
              HOST,
              Tolerance.EXACT,
              (ops, p, up) -> ops.affine(up.tensor(shape, x), a, b));
          Twins.compare(
              "clamp",
              HOST,
              Tolerance.EXACT,
              (ops, p, up) -> ops.clamp(up.tensor(shape, x), -1.5f, 2));
          Activation activation = cases.oneOf(Activation.values());
          Twins.compare(
              "activate " + activation,
              HOST,
              Tolerance.of(1e-6),
              (ops, p, up) -> ops.activate(up.tensor(shape, x), activation));
        });
  }

  @Test
  void exponentialForEveryKindOfNumber() {
    // SiLU of x is x / (1 + e^-x): a sweep over the whole range finds a wrong power of two.
    float[] x = new float[40_001];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i - 20_000) * 0.01f;
    }
    Twins.compare(
        "silu",
        HOST,
        new Tolerance(1e-30, 4e-7),
        (ops, p, up) ->
            ops.activate(ops.clamp(up.tensor(Shape.of(x.length), x), -60, 200), Activation.SILU));
    Twins.compare(
        "gelu",
        HOST,
        new Tolerance(6e-7, 4e-7),
        (ops, p, up) -> ops.activate(up.tensor(Shape.of(x.length), x), Activation.GELU));
  }

  @Test
  void addPerChannel() {
    Property.check(
        "addPerChannel",
        20,
        cases -> {
          int batch = cases.intIn(1, 3);
          int pixels = cases.oneOf(1, 50, 1100);
          int channels = cases.oneOf(1, 4, 16, 33, 96);
          float[] x = cases.normal((long) batch * pixels * channels, 1);
          float[] vector = cases.normal((long) batch * channels, 1);
          Twins.compare(
              "addPerChannel",
              HOST,
              Tolerance.EXACT,
              (ops, p, up) ->
                  ops.addPerChannel(
                      up.tensor(Shape.of(batch, pixels, 1, channels), x),
                      up.tensor(Shape.of(batch, channels), vector)));
        });
  }

  @Test
  void shapes() {
    Property.check(
        "shapes",
        40,
        cases -> {
          int batch = cases.intIn(1, 3);
          int height = cases.oneOf(1, 2, 7, 33);
          int width = cases.oneOf(1, 5, 40);
          int channels = cases.oneOf(1, 3, 4, 16, 19, 70);
          int more = cases.oneOf(1, 3, 16, 21);
          Shape shape = Shape.of(batch, height, width, channels);
          Shape wider = shape.withLast(more);
          float[] x = cases.withOddNumbers(cases.normal(shape.elements(), 1), 30);
          float[] y = cases.normal(wider.elements(), 1);
          int from = cases.intIn(0, channels);
          int to = cases.intIn(from, channels);
          int first = cases.intIn(0, batch);
          int last = cases.intIn(first, batch);
          int newHeight = cases.intIn(1, 2 * height + 1);
          int newWidth = cases.intIn(1, 3 * width);
          exact("toChannelsLast", (ops, p, up) -> ops.toChannelsLast(up.tensor(shape, x)));
          exact("toChannelsFirst", (ops, p, up) -> ops.toChannelsFirst(up.tensor(shape, x)));
          exact(
              "concatLast",
              (ops, p, up) -> ops.concatLast(up.tensor(shape, x), up.tensor(wider, y)));
          exact(
              "concatFirst",
              (ops, p, up) -> ops.concatFirst(up.tensor(shape, x), up.tensor(shape, x)));
          exact("sliceLast", (ops, p, up) -> ops.sliceLast(up.tensor(shape, x), from, to));
          exact("sliceFirst", (ops, p, up) -> ops.sliceFirst(up.tensor(shape, x), first, last));
          exact(
              "a slice of a reshaped slice",
              (ops, p, up) -> {
                Tensor part = ops.sliceFirst(up.tensor(shape, x), first, last);
                return ops.affine(ops.reshape(part, Shape.of(part.shape().elements(), 1)), 1, 0);
              });
          exact(
              "resizeNearest",
              (ops, p, up) -> ops.resizeNearest(up.tensor(shape, x), newHeight, newWidth));
        });
  }

  private static void exact(String what, Twins.Computation computation) {
    Twins.compare(what, HOST, Tolerance.EXACT, computation);
  }

  @Test
  void everyHalfPrecisionNumberIsReadExactly() {
    for (DType dtype : new DType[] {DType.F16, DType.BF16}) {
      short[] all = new short[65_536 + 3];
      for (int i = 0; i < all.length; i++) {
        all[i] = (short) i;
      }
      try (Arena arena = Arena.ofConfined()) {
        // One byte off, as a safetensors file may place it.
        MemorySegment segment = arena.allocate(2L * all.length + 1, 64).asSlice(1);
        MemorySegment.copy(MemorySegment.ofArray(all), 0, segment, 0, 2L * all.length);
        HostTensor host = new HostTensor(segment, dtype, Shape.of(all.length));
        float[] expected = host.toFloats();
        Twins.Answer answer =
            Twins.on(new CpuBackend(HOST, Device.cpu(1)), (ops, p, up) -> ops.upload(host));
        TensorAssertions.assertClose(
            dtype.name(), answer.numbers().values, expected, Tolerance.EXACT);
      }
    }
  }

  @Test
  void embedding() {
    float[] rows = new float[20 * 19];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = i;
    }
    int[] ids = {0, 19, 7, 7, 3, 1};
    exact(
        "embedding",
        (ops, parameters, up) ->
            ops.embedding(
                parameters.table(HostTensor.of(Shape.of(20, 19), rows)),
                ops.upload(HostTensor.of(Shape.of(2, 3), ids))));
  }
}
