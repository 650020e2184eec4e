package quartet.cluster.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static quartet.cluster.gpu.GpuRig.await;
import static quartet.cluster.gpu.GpuRig.awaitEnd;
import static quartet.cluster.gpu.GpuRig.plan;
import static quartet.cluster.gpu.GpuRig.settings;

import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import quartet.cluster.job.PromptEvent;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;

/** What a device's actor tells of prompts on the device, and of the device's failures. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class GpuActorTest {
  private final GpuRig rig = new GpuRig();

  @AfterAll
  void stop() {
    rig.close();
  }

  @Test
  void aPromptRunsAndItsEndSaysWhatTheDeviceHolds() {
    TestProbe<GpuReport> front = rig.probe();
    ActorRef<GpuActor.Command> gpu = rig.spawn(settings(job -> plan(context -> {})), front);
    gpu.tell(new GpuActor.Run(Jobs.job("a", 0), 3));
    GpuReport.Happened started = await(front, GpuReport.Happened.class);
    assertThat(started.event()).isInstanceOf(PromptEvent.Started.class);
    GpuReport.Finished finished = await(front, GpuReport.Finished.class);
    assertThat(finished.end().outcome()).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(finished.end().job().promptId()).isEqualTo("a");
    assertThat(finished.figures().toString()).contains("tasks=1", "queue=3.0");
  }

  @Test
  void aDeviceThatIsFreeSaysWhatItHoldsAndWhatItDid() {
    TestProbe<GpuReport> front = rig.probe();
    ActorRef<GpuActor.Command> gpu = rig.spawn(settings(job -> plan(context -> {})), front);
    gpu.tell(new GpuActor.Run(Jobs.job("a", 0), 0));
    GpuReport.LeftDevice left = await(front, GpuReport.LeftDevice.class);
    assertThat(left.job().promptId()).isEqualTo("a");
    assertThat(left.success()).isTrue();
    assertThat(left.holdings().resident()).isEmpty();
    assertThat(left.onDevice()).isPositive();
  }

  @Test
  void interruptStopsTheRunningPromptAndOnlyIt() {
    TestProbe<GpuReport> front = rig.probe();
    CountDownLatch started = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu =
        rig.spawn(
            settings(
                job ->
                    plan(
                        context -> {
                          if (job.promptId().equals("long")) {
                            started.countDown();
                            while (true) {
                              context.cancel().throwIfCancelled();
                              Thread.onSpinWait();
                            }
                          }
                        })),
            front);
    gpu.tell(new GpuActor.Run(Jobs.job("long", 0), 0));
    await(started);
    gpu.tell(new GpuActor.Interrupt("next"));
    gpu.tell(new GpuActor.Interrupt("long"));
    assertThat(awaitEnd(front)).isInstanceOf(ExecutionOutcome.Interrupted.class);
    gpu.tell(new GpuActor.Run(Jobs.job("next", 1), 0));
    assertThat(awaitEnd(front)).isInstanceOf(ExecutionOutcome.Succeeded.class);
  }

  @Test
  void aFailingDeviceGivesItsPromptBackAndWarmsUpBeforeItTakesAnother() {
    TestProbe<GpuReport> front = rig.probe();
    AtomicInteger plans = new AtomicInteger();
    ActorRef<GpuActor.Command> gpu =
        rig.spawn(
            settings(
                job -> {
                  if (plans.getAndIncrement() == 0) {
                    throw new IllegalStateException("the device is gone");
                  }
                  return plan(context -> {});
                }),
            front);
    gpu.tell(new GpuActor.Run(Jobs.job("once", 0), 0));
    GpuReport.Down down = await(front, GpuReport.Down.class);
    assertThat(down.reason()).isEqualTo("the device is gone");
    assertThat(down.interrupted()).isNotNull();
    await(front, GpuReport.Up.class);
    gpu.tell(new GpuActor.Run(Jobs.job("once", 0), 0));
    GpuReport.Finished finished = await(front, GpuReport.Finished.class);
    assertThat(finished.end().outcome()).isInstanceOf(ExecutionOutcome.Succeeded.class);
    assertThat(finished.figures().tasks()).as("figures outlive restarts").isEqualTo(1);
  }

  @Test
  void aDriverErrorInsideANodeIsTheDevicesFaultNotThePrompts() {
    TestProbe<GpuReport> front = rig.probe();
    ActorRef<GpuActor.Command> gpu =
        rig.spawn(
            settings(
                job ->
                    plan(
                        context -> {
                          throw Trouble.of(ErrorKind.DEVICE);
                        })),
            front);
    gpu.tell(new GpuActor.Run(Jobs.job("a", 0), 0));
    assertThat(await(front, GpuReport.Down.class).reason()).isEqualTo("made by the test");
    await(front, GpuReport.Up.class);
  }

  @Test
  void threePromptsInARowWithoutMemoryRestartTheDevice() {
    TestProbe<GpuReport> front = rig.probe();
    ActorRef<GpuActor.Command> gpu =
        rig.spawn(
            settings(
                job ->
                    plan(
                        context -> {
                          if (job.promptId().startsWith("large")) {
                            throw Trouble.of(ErrorKind.OUT_OF_MEMORY);
                          }
                        })),
            front);
    for (String id : List.of("large1", "large2", "small", "large3", "large4", "large5")) {
      gpu.tell(new GpuActor.Run(Jobs.job(id, 0), 0));
      ExecutionOutcome outcome = awaitEnd(front);
      assertThat(outcome instanceof ExecutionOutcome.Failed).isEqualTo(id.startsWith("large"));
    }
    GpuReport.Down down = await(front, GpuReport.Down.class);
    assertThat(down.reason()).isEqualTo("3 prompts in a row ran out of memory");
    assertThat(down.interrupted()).as("none ran; all had their error").isNull();
    await(front, GpuReport.Up.class);
  }

  @Test
  void aStickyFaultLosesTheDeviceAndNothingElseIsTried() {
    TestProbe<GpuReport> front = rig.probe();
    ActorRef<GpuActor.Command> gpu =
        rig.spawn(
            settings(
                job ->
                    plan(
                        context -> {
                          throw Trouble.of(ErrorKind.DEVICE_LOST);
                        })),
            front);
    for (String id : List.of("first", "second")) {
      gpu.tell(new GpuActor.Run(Jobs.job(id, 0), 0));
      GpuReport.Lost lost = await(front, GpuReport.Lost.class);
      assertThat(lost.interrupted()).isNotNull();
      assertThat(java.util.Objects.requireNonNull(lost.interrupted()).promptId()).isEqualTo(id);
    }
  }

  @Test
  void aPromptWithoutASignOfLifeIsNoticed() {
    TestProbe<GpuReport> front = rig.probe();
    CountDownLatch never = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu =
        rig.spawn(settings(job -> plan(context -> await(never))), front);
    gpu.tell(new GpuActor.Run(Jobs.job("hangs", 0), 0));
    GpuReport.Lost lost = await(front, GpuReport.Lost.class);
    assertThat(lost.reason()).contains("prompt hangs has given no sign of life for ");
    never.countDown();
  }
}
