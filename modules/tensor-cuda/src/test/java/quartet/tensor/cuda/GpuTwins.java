package quartet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import quartet.tensor.Activation;
import quartet.tensor.Backend;
import quartet.tensor.DType;
import quartet.tensor.Device;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.tensor.cpu.reference.ReferenceBackend;
import quartet.testkit.TensorAssertions;

/**
 * Runs a computation on the reference and on the GPU in both 16-bit types. Inputs are rounded to
 * the type first, so that what differs is the arithmetic.
 *
 * <p>Owner: of one backend for all tests of a class.
 */
final class GpuTwins implements AutoCloseable {
  /** One rounding of the result, and the rounding of what lies between, relative RMS. */
  private static final double HALF_BOUND = 1.5e-3;

  private static final double BFLOAT_BOUND = 1.2e-2;

  private final CudaBackend gpu;

  GpuTwins() {
    this(Gpu.settings());
  }

  GpuTwins(CudaSettings settings) {
    gpu = Gpu.open(settings);
  }

  CudaBackend gpu() {
    return gpu;
  }

  /** A computation on one backend. */
  @FunctionalInterface
  interface Computation {
    Tensor run(Ops ops, Parameters parameters, Numbers numbers);
  }

  /** Brings numbers to the backend of the computation, rounded to the type under test. */
  interface Numbers {
    Tensor tensor(Shape shape, float[] numbers);

    HostTensor weight(Shape shape, float[] numbers);
  }

  /** Both types within their bounds. */
  void close(String what, Computation computation) {
    close(what, 1, computation);
  }

  /**
   * Both types within their bounds.
   *
   * @param slack how many times the bound, for what rounds more than once
   */
  void close(String what, double slack, Computation computation) {
    for (DType type : List.of(DType.F16, DType.BF16)) {
      Answer expected = reference(type, computation);
      Answer actual = onGpu(type, computation);
      assertThat(actual.shape).as(what + " " + type).isEqualTo(expected.shape);
      double bound = slack * (type == DType.F16 ? HALF_BOUND : BFLOAT_BOUND);
      assertThat(TensorAssertions.relativeRms(actual.numbers, expected.numbers))
          .as("%s, %s: relative RMS error", what, type)
          .isLessThanOrEqualTo(bound);
    }
  }

  /** Every bit, in float16: for whole numbers whose sums are exact. */
  void equal(String what, Computation computation) {
    Answer expected = reference(DType.F16, computation);
    Answer actual = onGpu(DType.F16, computation);
    assertThat(actual.shape).as(what).isEqualTo(expected.shape);
    assertThat(actual.numbers).as(what).containsExactly(expected.numbers);
  }

  private static final class Answer {
    final Shape shape;
    final float[] numbers;

    Answer(Shape shape, float[] numbers) {
      this.shape = shape;
      this.numbers = numbers;
    }
  }

  private static Answer reference(DType type, Computation computation) {
    try (Backend backend = new ReferenceBackend(Device.cpu(0));
        TensorScope scope = backend.openScope("twin");
        Parameters parameters = backend.openParameters("twin")) {
      return answer(type, scope, parameters, computation);
    }
  }

  private Answer onGpu(DType type, Computation computation) {
    Answer answer;
    try (TensorScope scope = gpu.openScope("twin");
        Parameters parameters = gpu.openParameters("twin", type)) {
      answer = answer(type, scope, parameters, computation);
    }
    assertThat(gpu.memory().scopeBytes()).isZero();
    assertThat(gpu.memory().parameterBytes()).isZero();
    return answer;
  }

  private static Answer answer(
      DType type, TensorScope scope, Parameters parameters, Computation computation) {
    Numbers numbers =
        new Numbers() {
          @Override
          public Tensor tensor(Shape shape, float[] values) {
            return scope.ops().upload(weight(shape, values));
          }

          @Override
          public HostTensor weight(Shape shape, float[] values) {
            return HostTensor.of(shape, rounded(values, type));
          }
        };
    Tensor result = computation.run(scope.ops(), parameters, numbers);
    return new Answer(result.shape(), scope.ops().download(result));
  }

  /** Through a product with the identity, which brings numbers into the type under test. */
  static Tensor half(Ops ops, Parameters parameters, Tensor x) {
    int width = x.dim(-1);
    float[] identity = new float[width * width];
    for (int i = 0; i < width; i++) {
      identity[i * width + i] = 1;
    }
    return ops.linear(
        x,
        parameters.linear(HostTensor.of(Shape.of(width, width), identity), null),
        Activation.NONE,
        null);
  }

  private static float[] rounded(float[] values, DType type) {
    float[] out = new float[values.length];
    for (int i = 0; i < out.length; i++) {
      out[i] =
          type == DType.F16
              ? Float.float16ToFloat(Float.floatToFloat16(values[i]))
              : Float.intBitsToFloat((Float.floatToRawIntBits(values[i]) + 0x8000) & 0xffff0000);
    }
    return out;
  }

  @Override
  public void close() {
    gpu.close();
  }
}
