package quartet.engine.bench;

import java.util.Arrays;
import java.util.List;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Replay;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Times work on a device. Single ops are recorded many at once where the backend can, so that the
 * cost of launching them does not count.
 */
final class DeviceClock {
  private static final int ROUNDS = 9;
  private static final int WARM_UP = 3;

  private final Backend backend;

  DeviceClock(Backend backend) {
    this.backend = backend;
  }

  /** An op on its inputs. */
  @FunctionalInterface
  interface Work {
    Tensor run(Ops ops, List<Tensor> inputs);
  }

  /** Milliseconds of one op, the median; {@code repeats} of them are recorded together. */
  double op(TensorScope scope, List<Tensor> inputs, int repeats, Work work) {
    try (Replay replay =
        backend.replay(
            "bench",
            (inner, given) -> {
              Tensor last = work.run(inner.ops(), given);
              for (int i = 1; i < repeats; i++) {
                try (TensorScope one = inner.child("one")) {
                  work.run(one.ops(), given);
                }
              }
              return List.of(inner.ops().sliceFirst(last, 0, 0));
            })) {
      return whole(
              () -> {
                try (TensorScope run = scope.child("run")) {
                  replay.run(run, inputs);
                }
              })
          / repeats;
    }
  }

  /** Milliseconds until the device has done the work, the median. */
  double whole(Runnable work) {
    for (int i = 0; i < WARM_UP; i++) {
      work.run();
    }
    finish();
    double[] milliseconds = new double[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
      long start = System.nanoTime();
      work.run();
      finish();
      milliseconds[i] = (System.nanoTime() - start) / 1e6;
    }
    Arrays.sort(milliseconds);
    return milliseconds[ROUNDS / 2];
  }

  /** Waits until the device has done everything: a download comes last. */
  void finish() {
    try (TensorScope scope = backend.openScope("clock")) {
      scope.ops().download(scope.ops().upload(HostTensor.of(Shape.of(1), new float[1])));
    }
  }
}
