package quartet.tensor.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.BiFunction;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.tensor.cpu.reference.ReferenceBackend;
import quartet.testkit.TensorAssertions;
import quartet.testkit.Tolerance;

/** Runs the same computation on the reference and on the fast backend and compares. */
final class Twins {
  private Twins() {}

  /** A computation on one backend. */
  @FunctionalInterface
  interface Computation {
    Tensor run(Ops ops, Parameters parameters, Uploads uploads);
  }

  /** Brings numbers to the backend of the computation. */
  interface Uploads {
    Tensor tensor(Shape shape, float[] numbers);
  }

  /** What one backend answered. */
  record Answer(Shape shape, Numbers numbers) {}

  /** An array in a record. */
  static final class Numbers {
    final float[] values;

    Numbers(float[] values) {
      this.values = values;
    }
  }

  static void compare(String what, CpuHost host, Tolerance tolerance, Computation computation) {
    compare(
        host,
        computation,
        (actual, expected) -> {
          TensorAssertions.assertClose(
              what,
              actual.shape(),
              actual.numbers().values,
              expected.shape(),
              expected.numbers().values,
              tolerance);
          return true;
        });
  }

  static <R> R compare(CpuHost host, Computation computation, BiFunction<Answer, Answer, R> judge) {
    Answer expected = on(new ReferenceBackend(Device.cpu(0)), computation);
    Answer actual = on(new CpuBackend(host, Device.cpu(0)), computation);
    return judge.apply(actual, expected);
  }

  /** Runs it, and checks that nothing is left in the backend's memory. */
  static Answer on(Backend backend, Computation computation) {
    try (backend) {
      Answer answer;
      try (TensorScope scope = backend.openScope("twin");
          Parameters parameters = backend.openParameters("twin")) {
        Ops ops = scope.ops();
        Tensor result =
            computation.run(
                ops, parameters, (shape, numbers) -> ops.upload(HostTensor.of(shape, numbers)));
        answer = new Answer(result.shape(), new Numbers(ops.download(result)));
      }
      assertThat(backend.memory().scopeBytes()).isZero();
      assertThat(backend.memory().parameterBytes()).isZero();
      return answer;
    }
  }
}
