package quartet.tensor.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.tensor.cpu.reference.ReferenceBackend;

/** Who owns a tensor, when it is freed, and that the ledger comes back to zero. */
class ScopeContractTest {
  private static final HostTensor NUMBERS =
      HostTensor.of(Shape.of(2, 3), new float[] {1, 2, 3, 4, 5, 6});

  static Stream<Backend> backends() {
    return TestBackends.all();
  }

  @ParameterizedTest
  @MethodSource("backends")
  void closingAScopeFreesItsTensors(Backend backend) {
    try (backend) {
      TensorScope scope = backend.openScope("run");
      Tensor x = scope.ops().upload(NUMBERS);
      assertThat(scope.liveBytes()).isGreaterThanOrEqualTo(24);
      assertThat(backend.memory().scopeBytes()).isGreaterThanOrEqualTo(24);
      assertThat(scope.ops().download(x)).containsExactly(1, 2, 3, 4, 5, 6);
      scope.close();
      scope.close();
      assertThat(scope.liveBytes()).isZero();
      assertThat(backend.memory().scopeBytes()).isZero();
      try (TensorScope other = backend.openScope("later")) {
        assertThatIllegalStateException().isThrownBy(() -> other.ops().download(x));
        assertThatIllegalStateException().isThrownBy(() -> other.ops().add(x, x));
      }
      assertThatIllegalStateException().isThrownBy(() -> scope.ops().upload(NUMBERS));
      assertThatIllegalStateException().isThrownBy(() -> scope.child("late"));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void handOverMovesATensorOneScopeOut(Backend backend) {
    try (backend) {
      try (TensorScope run = backend.openScope("run")) {
        Tensor outer = run.ops().upload(NUMBERS);
        Tensor result;
        Tensor dropped;
        try (TensorScope step = run.child("step")) {
          dropped = step.ops().add(outer, outer);
          try (TensorScope block = step.child("block")) {
            result = step.handOver(block.handOver(block.ops().multiply(outer, outer)));
          }
          assertThat(step.handOver(outer)).isSameAs(outer);
        }
        assertThat(run.ops().download(result)).containsExactly(1, 4, 9, 16, 25, 36);
        assertThatIllegalStateException().isThrownBy(() -> run.ops().download(dropped));
        assertThatIllegalStateException().isThrownBy(() -> run.handOver(result));
      }
      assertThat(backend.memory().scopeBytes()).isZero();
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aTensorOfAnInnerScopeCannotBeHandedOverByAnOuterOne(Backend backend) {
    try (backend;
        TensorScope run = backend.openScope("run");
        TensorScope step = run.child("step");
        TensorScope block = step.child("block")) {
      Tensor inner = block.ops().upload(NUMBERS);
      assertThatIllegalArgumentException().isThrownBy(() -> step.handOver(inner));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void closingAnOuterScopeClosesTheInnerOnes(Backend backend) {
    try (backend) {
      TensorScope run = backend.openScope("run");
      TensorScope block = run.child("step").child("block");
      Tensor x = block.ops().upload(NUMBERS);
      run.close();
      assertThat(backend.memory().scopeBytes()).isZero();
      assertThatIllegalStateException().isThrownBy(() -> block.ops().download(x));
      block.close();
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aViewKeepsTheMemoryItLooksAt(Backend backend) {
    try (backend;
        TensorScope run = backend.openScope("run")) {
      Tensor view;
      try (TensorScope step = run.child("step")) {
        Tensor base = step.ops().upload(NUMBERS);
        Tensor flat = step.ops().reshape(base, Shape.of(6));
        view = step.handOver(step.ops().sliceFirst(flat, 2, 5));
      }
      Tensor other = run.ops().upload(NUMBERS);
      assertThat(run.ops().download(view)).containsExactly(3, 4, 5);
      assertThat(run.ops().download(other)).containsExactly(1, 2, 3, 4, 5, 6);
      assertThat(run.liveBytes()).isPositive();
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void closingTheBackendClosesWhatIsStillOpen(Backend backend) {
    TensorScope scope = backend.openScope("forgotten");
    scope.ops().upload(NUMBERS);
    backend.openParameters("weights").table(NUMBERS);
    assertThat(backend.memory().parameterBytes()).isPositive();
    backend.close();
    assertThat(backend.memory().scopeBytes()).isZero();
    assertThat(backend.memory().parameterBytes()).isZero();
  }

  @ParameterizedTest
  @MethodSource("backends")
  void tensorsOfAnotherDeviceAreRefused(Backend backend) {
    try (backend;
        Backend elsewhere = new ReferenceBackend(Device.cpu(3));
        TensorScope here = backend.openScope("here");
        TensorScope there = elsewhere.openScope("there")) {
      Tensor foreign = there.ops().upload(NUMBERS);
      Tensor own = here.ops().upload(NUMBERS);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> here.ops().add(own, foreign))
          .withMessageContaining("cpu:3")
          .withMessageContaining("cpu:0");
    }
  }
}
