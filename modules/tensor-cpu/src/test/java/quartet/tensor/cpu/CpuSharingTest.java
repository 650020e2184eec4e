package quartet.tensor.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import quartet.errors.EngineException;
import quartet.tensor.Activation;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.Device;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.tensor.cpu.core.CpuScope;
import quartet.testkit.Cases;

/** What the virtual devices of one host share: parameters, cores, memory, and the same results. */
class CpuSharingTest {
  private static final CpuSettings SETTINGS = CpuSettings.ofThisMachine().withThreads(2);

  private static HostTensor weight(long seed, long... extents) {
    Shape shape = Shape.of(extents);
    return HostTensor.of(shape, new Cases(seed).normal(shape.elements(), 0.1));
  }

  @Test
  void twoDevicesShareOnePreparedCopyUntilTheLastCloses() {
    try (CpuHost host = new CpuHost(SETTINGS);
        CpuBackend first = new CpuBackend(host, Device.cpu(0));
        CpuBackend second = new CpuBackend(host, Device.cpu(1))) {
      long free = host.budget().freeBytes();
      Parameters one = first.openParameters("model");
      one.linear(weight(1, 64, 32), null);
      one.conv2d(weight(2, 32, 32, 3, 3), null, Conv2dGeometry.SAME_3X3);
      long bytes = host.parameters().byteSize();
      assertThat(bytes).isGreaterThanOrEqualTo(4L * (64 * 32 + 16 * 32 * 32));
      Parameters two = second.openParameters("model");
      // In another order, and from other arrays with the same numbers.
      two.conv2d(weight(2, 32, 32, 3, 3), null, Conv2dGeometry.SAME_3X3);
      two.linear(weight(1, 64, 32), null);
      assertThat(host.parameters().byteSize()).isEqualTo(bytes);
      assertThat(first.memory().parameterBytes()).isEqualTo(bytes);
      assertThat(second.memory().parameterBytes()).isEqualTo(bytes);
      Parameters.Linear third = two.linear(weight(3, 64, 32), null);
      assertThat(third.outWidth()).isEqualTo(64);
      assertThat(host.parameters().byteSize()).isGreaterThan(bytes);
      one.close();
      one.close();
      assertThat(host.parameters().byteSize()).isGreaterThan(bytes);
      assertThat(first.memory().parameterBytes()).isZero();
      two.close();
      assertThat(host.parameters().byteSize()).isZero();
      assertThat(host.budget().freeBytes()).isEqualTo(free);
    }
  }

  @Test
  void otherSourcesAreNotShared() {
    try (CpuHost host = new CpuHost(SETTINGS);
        CpuBackend backend = new CpuBackend(host, Device.cpu(0));
        Parameters one = backend.openParameters("one");
        Parameters two = backend.openParameters("two")) {
      one.linear(weight(1, 8, 8), null);
      long bytes = host.parameters().byteSize();
      two.linear(weight(1, 8, 8), null);
      assertThat(host.parameters().byteSize()).isEqualTo(2 * bytes);
    }
  }

  @Test
  void parametersAreRefusedAfterTheirDeviceClosedThem() {
    try (CpuHost host = new CpuHost(SETTINGS);
        CpuBackend backend = new CpuBackend(host, Device.cpu(0));
        Parameters kept = new CpuBackend(host, Device.cpu(1)).openParameters("model");
        TensorScope scope = backend.openScope("test")) {
      kept.linear(weight(1, 8, 8), null);
      Parameters gone = backend.openParameters("model");
      Parameters.Linear linear = gone.linear(weight(1, 8, 8), null);
      gone.close();
      Tensor x = scope.ops().upload(weight(4, 2, 8));
      assertThatIllegalStateException()
          .isThrownBy(() -> scope.ops().linear(x, linear, Activation.NONE, null));
    }
  }

  @Test
  void memoryBeyondTheBudgetIsRefusedAndNothingIsLost() {
    try (CpuHost host = new CpuHost(SETTINGS.withMemoryBytes(1 << 20));
        CpuBackend backend = new CpuBackend(host, Device.cpu(0))) {
      try (TensorScope scope = backend.openScope("test")) {
        Tensor x = scope.ops().upload(weight(1, 100, 1000));
        assertThatThrownBy(() -> scope.ops().concatFirst(scope.ops().concatFirst(x, x), x))
            .isInstanceOfSatisfying(
                EngineException.class,
                e -> assertThat(e.code()).isEqualTo(MemoryCode.CPU_OUT_OF_MEMORY));
        assertThat(scope.ops().download(x)).hasSize(100_000);
      }
      assertThat(backend.memory().scopeBytes()).isZero();
      assertThat(backend.memory().freeBytes()).isEqualTo(1 << 20);
    }
  }

  @Test
  void freedBlocksAreUsedAgainAndTheIdleOnesStayBounded() {
    long idleLimit = 1 << 16;
    MemoryBudget budget = new MemoryBudget(1 << 24);
    try (BlockPool pool = new BlockPool(budget, idleLimit)) {
      try (TensorScope scope =
          CpuScope.root(
              Device.cpu(0),
              "test",
              pool::allocate,
              s -> new CpuOps(s, TestBackends.HOST),
              s -> {})) {
        for (int i = 0; i < 50; i++) {
          try (TensorScope step = scope.child("step")) {
            step.ops().upload(weight(i, 100, 1 + i % 7));
            step.ops().upload(weight(i, 20_000));
          }
          assertThat(pool.liveBytes()).isZero();
          assertThat(pool.idleBytes()).isBetween(0L, idleLimit);
        }
      }
      assertThat(pool.idleBytes()).isPositive();
      assertThat(budget.freeBytes()).isEqualTo(1 << 24);
    }
  }

  @Test
  void sizeClassesWasteAnEighthAtMost() {
    for (long size = 1025; size < 5_000_000; size += 997) {
      long block = BlockPool.sizeClass(size);
      assertThat(block).isBetween(size, size + size / 8 + 64);
    }
  }

  @Test
  void oneDeviceAndFourAtOnceAndAnyNumberOfThreadsGiveTheSameBits() throws Exception {
    float[] alone;
    try (CpuHost host = new CpuHost(SETTINGS.withThreads(1));
        CpuBackend backend = new CpuBackend(host, Device.cpu(0))) {
      alone = smallModel(backend, 1);
    }
    int devices = 4;
    try (CpuHost host = new CpuHost(SETTINGS.withThreads(3));
        ExecutorService threads = Executors.newFixedThreadPool(devices)) {
      CyclicBarrier together = new CyclicBarrier(devices);
      List<Future<float[]>> answers = new ArrayList<>();
      for (int i = 0; i < devices; i++) {
        CpuBackend backend = new CpuBackend(host, Device.cpu(i));
        answers.add(
            threads.submit(
                () -> {
                  together.await(60, TimeUnit.SECONDS);
                  try (backend) {
                    return smallModel(backend, 6);
                  }
                }));
      }
      for (Future<float[]> answer : answers) {
        assertThat(answer.get(120, TimeUnit.SECONDS)).isEqualTo(alone);
      }
      assertThat(host.parameters().byteSize()).isZero();
    }
  }

  /** A block of each kind, run several times; all runs must give the first one's bits. */
  private static float[] smallModel(CpuBackend backend, int times) {
    float[] first = new float[0];
    for (int i = 0; i < times; i++) {
      try (Parameters parameters = backend.openParameters("small");
          TensorScope scope = backend.openScope("small")) {
        Ops ops = scope.ops();
        Tensor x = ops.upload(weight(9, 1, 33, 32, 48));
        Parameters.Norm norm = parameters.norm(weight(10, 48), weight(11, 48));
        Tensor h = ops.groupNorm(x, norm, 8, 1e-5f, Activation.SILU);
        Parameters.Conv2d conv =
            parameters.conv2d(weight(12, 48, 48, 3, 3), weight(13, 48), Conv2dGeometry.SAME_3X3);
        h = ops.conv2d(h, conv, x);
        h = ops.reshape(h, Shape.of(1, 33 * 32, 48));
        h = ops.layerNorm(h, norm, 1e-5f);
        h = ops.add(h, ops.attention(h, h, h, 6, false));
        Parameters.Linear wide = parameters.linear(weight(14, 384, 48), weight(15, 384));
        Parameters.Linear narrow = parameters.linear(weight(16, 48, 192), null);
        h = ops.linear(ops.linearGeglu(h, wide), narrow, Activation.GELU, h);
        float[] numbers = ops.download(h);
        if (i == 0) {
          first = numbers;
        } else {
          assertThat(numbers).isEqualTo(first);
        }
      }
    }
    return first;
  }
}
