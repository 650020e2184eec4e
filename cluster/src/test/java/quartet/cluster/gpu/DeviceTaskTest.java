package quartet.cluster.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.Finishers;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.exec.Remainder;
import quartet.engine.graph.ExecutionPlan;
import quartet.errors.ErrorKind;
import quartet.tensor.Device;

/** What is done with a prompt on the device's thread; here, on the test's. */
final class DeviceTaskTest {
  private static final DeviceWorker.Result SUCCEEDED =
      new DeviceWorker.Result(new ExecutionOutcome.Succeeded(Map.of()), 0);
  private static final ExecutionPlan PLAN =
      new ExecutionPlan(JsonNodeFactory.instance.objectNode(), Map.of(), List.of());

  private final List<DeviceTask.Step> steps = new CopyOnWriteArrayList<>();
  private final GpuRun run = new GpuRun(Jobs.job("a", 0), Instant.EPOCH, 0);

  /** A device that leaves of every prompt what the test says. */
  private record FakeWorker(Supplier<Remainder<DeviceWorker.Result>> left) implements QuietWorker {
    @Override
    public Remainder<DeviceWorker.Result> begin(
        DeviceWorker.Job job, Consumer<ExecutionEvent> events) {
      return left.get();
    }

    @Override
    public List<Path> resident() {
      return List.of(Path.of("m"));
    }
  }

  private static FakeWorker leaves(Supplier<DeviceWorker.Result> rest) {
    return new FakeWorker(() -> new Remainder.HostNodes<>(rest));
  }

  private DeviceTask task(Finishers finishers, Optional<ExecutionPlan> plan) {
    return new DeviceTask(
        new GpuSettings(
            0,
            Device.cpu(0),
            () -> leaves(() -> SUCCEEDED),
            job -> plan,
            PreviewSink.NONE,
            GpuSupervision.USUAL,
            GpuSettings.STUCK_AFTER),
        Clock.systemUTC(),
        finishers,
        new GpuLog(0),
        event -> {},
        steps::add);
  }

  private DeviceTask.OffDevice onlyStep() {
    assertThat(steps).hasSize(1);
    return (DeviceTask.OffDevice) steps.getFirst();
  }

  @Test
  void whatNeedsNoDeviceIsDoneElsewhereAfterTheDeviceIsFree() {
    try (Finishers finishers = new Finishers(0)) {
      task(finishers, Optional.of(PLAN)).run(leaves(() -> SUCCEEDED), run);
    }
    assertThat(steps).hasSize(2);
    assertThat(steps.getFirst())
        .isInstanceOfSatisfying(
            DeviceTask.OffDevice.class,
            off -> {
              assertThat(off.run()).isSameAs(run);
              assertThat(off.result()).as("it has not ended").isNull();
              assertThat(off.success()).isTrue();
              assertThat(off.holdings().resident()).containsExactly("m");
              assertThat(off.onDevice()).isGreaterThanOrEqualTo(Duration.ZERO);
            });
    assertThat(steps.getLast()).isEqualTo(new DeviceTask.Ended(run, SUCCEEDED));
  }

  @Test
  void whereNothingIsLeftThePromptHasEndedWithTheDevicesPart() {
    try (Finishers finishers = new Finishers(0)) {
      task(finishers, Optional.of(PLAN))
          .run(new FakeWorker(() -> new Remainder.Nothing<>(SUCCEEDED)), run);
    }
    assertThat(onlyStep().result()).isEqualTo(SUCCEEDED);
  }

  @Test
  void theDevicesThreadDoesItItselfIfAllOthersAreBusy() {
    CountDownLatch busy = new CountDownLatch(1);
    try (Finishers finishers = new Finishers(0)) {
      for (int i = 0; i < Finishers.AT_ONCE; i++) {
        assertThat(finishers.offer(() -> {}, () -> await(busy))).isTrue();
      }
      Thread here = Thread.currentThread();
      task(finishers, Optional.of(PLAN))
          .run(
              leaves(
                  () -> {
                    assertThat(Thread.currentThread()).isSameAs(here);
                    return SUCCEEDED;
                  }),
              run);
      assertThat(onlyStep().result()).isEqualTo(SUCCEEDED);
      busy.countDown();
    }
  }

  @Test
  void aPromptThatIsNoLongerValidEndsWithAnErrorOfItsOwn() {
    try (Finishers finishers = new Finishers(0)) {
      task(finishers, Optional.empty()).run(leaves(() -> SUCCEEDED), run);
    }
    assertThat(onlyStep().success()).isFalse();
    assertThat(onlyStep().outcome())
        .isInstanceOfSatisfying(
            ExecutionOutcome.Failed.class,
            failed -> {
              assertThat(failed.kind()).isEqualTo(ErrorKind.INPUT);
              assertThat(failed.message())
                  .isEqualTo(
                      "The prompt was valid when it was accepted and is not any more: "
                          + "a file or a node it names is gone.");
            });
  }

  @Test
  void whatThrowsElsewhereIsAnEndAllTheSame() {
    try (Finishers finishers = new Finishers(0)) {
      task(finishers, Optional.of(PLAN))
          .run(
              leaves(
                  () -> {
                    throw new IllegalStateException("our own fault");
                  }),
              run);
    }
    assertThat(steps.getLast())
        .isInstanceOfSatisfying(
            DeviceTask.Ended.class,
            ended ->
                assertThat(ended.result().outcome())
                    .isInstanceOfSatisfying(
                        ExecutionOutcome.Failed.class,
                        failed -> {
                          assertThat(failed.kind()).isEqualTo(ErrorKind.INTERNAL);
                          assertThat(failed.message()).contains("our own fault");
                        }));
  }

  @Test
  void whatTheDeviceThrowsIsNoEnd() {
    try (Finishers finishers = new Finishers(0)) {
      assertThatThrownBy(
              () ->
                  task(finishers, Optional.of(PLAN))
                      .run(
                          new FakeWorker(
                              () -> {
                                throw new IllegalStateException("the device is gone");
                              }),
                          run))
          .hasMessage("the device is gone");
    }
    assertThat(steps).isEmpty();
  }

  private static void await(CountDownLatch gate) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
