package quartet.cluster.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static quartet.cluster.gpu.GpuRig.await;
import static quartet.cluster.gpu.GpuRig.awaitEnd;
import static quartet.cluster.gpu.GpuRig.plan;
import static quartet.cluster.gpu.GpuRig.settings;

import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import quartet.cluster.job.PromptJob;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.node.PreviewMethod;
import quartet.engine.value.ImageBatch;
import quartet.errors.ErrorKind;

/** What a device's actor tells of prompts that have left the device and are being saved. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class GpuActorSavingTest {
  private final GpuRig rig = new GpuRig();

  @AfterAll
  void stop() {
    rig.close();
  }

  @Test
  void theNextPromptComputesWhileTheOneBeforeIsSavedAndEndsAfterIt() {
    TestProbe<GpuReport> front = rig.probe();
    CountDownLatch disk = new CountDownLatch(1);
    CountDownLatch savedSecond = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu =
        rig.spawn(
            settings(
                job ->
                    plan(
                        context -> {},
                        context -> {
                          if (job.promptId().equals("a")) {
                            await(disk);
                          } else {
                            savedSecond.countDown();
                          }
                        })),
            front);
    gpu.tell(new GpuActor.Run(Jobs.job("a", 0), 0));
    assertThat(await(front, GpuReport.LeftDevice.class).job().promptId()).isEqualTo("a");
    gpu.tell(new GpuActor.Run(Jobs.job("b", 0), 0));
    assertThat(await(front, GpuReport.LeftDevice.class).job().promptId()).isEqualTo("b");
    await(savedSecond);
    disk.countDown();
    for (String id : List.of("a", "b")) {
      assertThat(await(front, GpuReport.Finished.class).end().job().promptId()).isEqualTo(id);
    }
  }

  @Test
  void aDeviceSavesItselfWhenTooManyAreBeingSaved() {
    TestProbe<GpuReport> front = rig.probe();
    CountDownLatch disk = new CountDownLatch(1);
    Map<String, String> savedBy = new ConcurrentHashMap<>();
    ActorRef<GpuActor.Command> gpu =
        rig.spawn(
            settings(
                job ->
                    plan(
                        context -> {},
                        context -> {
                          savedBy.put(job.promptId(), Thread.currentThread().getName());
                          if (!job.promptId().equals("third")) {
                            await(disk);
                          }
                        })),
            front);
    for (String id : List.of("first", "second", "third")) {
      gpu.tell(new GpuActor.Run(Jobs.job(id, 0), 0));
      assertThat(await(front, GpuReport.LeftDevice.class).job().promptId()).isEqualTo(id);
    }
    assertThat(savedBy.get("third")).isEqualTo("gpu-0");
    disk.countDown();
    for (String id : List.of("first", "second", "third")) {
      assertThat(await(front, GpuReport.Finished.class).end().job().promptId()).isEqualTo(id);
    }
    assertThat(savedBy.get("first")).startsWith("gpu-0-end-");
    assertThat(savedBy.get("second")).startsWith("gpu-0-end-");
  }

  @Test
  void noPictureOfTheNextPromptIsShownBeforeTheEndOfTheOneThatIsSaved() {
    TestProbe<GpuReport> front = rig.probe();
    CountDownLatch disk = new CountDownLatch(1);
    CountDownLatch firstStep = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(1);
    List<String> shown = new CopyOnWriteArrayList<>();
    PreviewSink previews =
        new PreviewSink() {
          @Override
          public PreviewMethod wanted(PromptJob job) {
            shown.add(job.promptId());
            return PreviewMethod.NONE;
          }

          @Override
          public void offer(PromptJob job, String nodeId, ImageBatch picture) {}
        };
    ActorRef<GpuActor.Command> gpu =
        rig.spawn(
            settings(
                job ->
                    plan(
                        context -> {
                          context.progress(1, 2, GpuActorSavingTest::neverDrawn);
                          if (job.promptId().equals("b")) {
                            firstStep.countDown();
                            await(ended);
                            context.progress(2, 2, GpuActorSavingTest::neverDrawn);
                          }
                        },
                        context -> {
                          if (job.promptId().equals("a")) {
                            await(disk);
                          }
                        }),
                previews),
            front);
    gpu.tell(new GpuActor.Run(Jobs.job("a", 0), 0));
    await(front, GpuReport.LeftDevice.class);
    gpu.tell(new GpuActor.Run(Jobs.job("b", 0), 0));
    await(firstStep);
    assertThat(shown).containsExactly("a");
    disk.countDown();
    awaitEnd(front);
    ended.countDown();
    awaitEnd(front);
    assertThat(shown).containsExactly("a", "b");
  }

  @Test
  void aFullDiskIsThePromptsErrorAndTheDeviceGoesOn() {
    TestProbe<GpuReport> front = rig.probe();
    ActorRef<GpuActor.Command> gpu =
        rig.spawn(
            settings(
                job ->
                    plan(
                        context -> {},
                        context -> {
                          if (job.promptId().equals("a")) {
                            throw Trouble.of(ErrorKind.STORAGE);
                          }
                        })),
            front);
    gpu.tell(new GpuActor.Run(Jobs.job("a", 0), 0));
    assertThat(awaitEnd(front))
        .isInstanceOfSatisfying(
            ExecutionOutcome.Failed.class,
            failed -> assertThat(failed.kind()).isEqualTo(ErrorKind.STORAGE));
    gpu.tell(new GpuActor.Run(Jobs.job("b", 0), 0));
    assertThat(awaitEnd(front)).isInstanceOf(ExecutionOutcome.Succeeded.class);
  }

  @Test
  void interruptStopsAPromptThatIsBeingSavedAndNotTheOneOnTheDevice() {
    TestProbe<GpuReport> front = rig.probe();
    CountDownLatch device = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu =
        rig.spawn(
            settings(
                job ->
                    plan(
                        context -> {
                          if (job.promptId().equals("b")) {
                            await(device);
                          }
                        },
                        context -> {
                          while (job.promptId().equals("a")) {
                            context.cancel().throwIfCancelled();
                            Thread.onSpinWait();
                          }
                        })),
            front);
    gpu.tell(new GpuActor.Run(Jobs.job("a", 0), 0));
    await(front, GpuReport.LeftDevice.class);
    gpu.tell(new GpuActor.Run(Jobs.job("b", 0), 0));
    gpu.tell(new GpuActor.Interrupt("a"));
    assertThat(awaitEnd(front)).isInstanceOf(ExecutionOutcome.Interrupted.class);
    device.countDown();
    assertThat(awaitEnd(front)).isInstanceOf(ExecutionOutcome.Succeeded.class);
  }

  @Test
  void aPromptThatIsBeingSavedOutlivesItsDeviceAndEndsOnce() {
    TestProbe<GpuReport> front = rig.probe();
    CountDownLatch disk = new CountDownLatch(1);
    AtomicInteger saves = new AtomicInteger();
    ActorRef<GpuActor.Command> gpu =
        rig.spawn(
            settings(
                job ->
                    plan(
                        context -> {
                          if (job.promptId().equals("b")) {
                            throw Trouble.of(ErrorKind.DEVICE);
                          }
                        },
                        context -> {
                          await(disk);
                          saves.incrementAndGet();
                        })),
            front);
    gpu.tell(new GpuActor.Run(Jobs.job("a", 0), 0));
    await(front, GpuReport.LeftDevice.class);
    gpu.tell(new GpuActor.Run(Jobs.job("b", 0), 0));
    GpuReport.Down down = await(front, GpuReport.Down.class);
    assertThat(java.util.Objects.requireNonNull(down.interrupted()).promptId()).isEqualTo("b");
    await(front, GpuReport.Up.class);
    disk.countDown();
    GpuReport.Finished finished = await(front, GpuReport.Finished.class);
    assertThat(finished.end().job().promptId()).isEqualTo("a");
    assertThat(finished.end().outcome()).isInstanceOf(ExecutionOutcome.Succeeded.class);
    gpu.tell(new GpuActor.Run(Jobs.job("c", 0), 0));
    assertThat(await(front, GpuReport.Finished.class).end().job().promptId()).isEqualTo("c");
    assertThat(saves.get()).isEqualTo(2);
  }

  @Test
  void aPromptThatHangsWhileItIsSavedIsNoticed() {
    TestProbe<GpuReport> front = rig.probe();
    CountDownLatch never = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu =
        rig.spawn(settings(job -> plan(context -> {}, context -> await(never))), front);
    gpu.tell(new GpuActor.Run(Jobs.job("hangs", 0), 0));
    await(front, GpuReport.LeftDevice.class);
    GpuReport.Lost lost = await(front, GpuReport.Lost.class);
    assertThat(java.util.Objects.requireNonNull(lost.interrupted()).promptId()).isEqualTo("hangs");
    assertThat(lost.reason()).contains("prompt hangs has given no sign of life for ");
    never.countDown();
  }

  private static ImageBatch neverDrawn(PreviewMethod method) {
    throw new IllegalStateException("nobody looks");
  }
}
