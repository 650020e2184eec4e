package quartet.cluster.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.MailboxSelector;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.LocalHostModels;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.files.Folders;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.graph.PlannedNode;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeRegistry;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.node.PreviewMethod;
import quartet.engine.value.ImageBatch;
import quartet.errors.EngineException;
import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;
import quartet.tensor.Device;
import quartet.tensor.cpu.reference.ReferenceBackend;

/** A device's actor with nodes that do what the test wants. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class GpuActorTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration STUCK_AFTER = Duration.ofSeconds(3);

  private final ActorTestKit kit = ActorTestKit.create();

  @AfterAll
  void stop() {
    kit.shutdownTestKit();
  }

  /** What a node of a test does. */
  @FunctionalInterface
  private interface Work {
    void run(NodeContext context);
  }

  private record TestNode(Work work, boolean hostOnly) implements Node {
    private static final Input.SocketInput<Long> AFTER = Input.socket("after", PortType.INT);

    @Override
    public NodeSchema schema() {
      NodeSchema.Builder schema = NodeSchema.named("Test").outputNode();
      return hostOnly ? schema.optional(AFTER).hostOnly().build() : schema.build();
    }

    @Override
    public NodeResult run(NodeInputs inputs, NodeContext context) {
      work.run(context);
      return NodeResult.shown(JsonNodeFactory.instance.objectNode());
    }

    @Override
    public Optional<String> changeStamp(NodeInputs constants, NodeContext.Files files) {
      return Optional.of(Long.toString(System.nanoTime()));
    }
  }

  private GpuSettings settings(GpuSettings.Planner planner) {
    return settings(planner, PreviewSink.NONE);
  }

  private GpuSettings settings(GpuSettings.Planner planner, PreviewSink previews) {
    return new GpuSettings(
        0,
        Device.cpu(0),
        () ->
            new DeviceWorker(
                0,
                new ReferenceBackend(Device.cpu(0)),
                new LocalHostModels(),
                Folders.below(Path.of("unused")),
                false,
                1),
        planner,
        previews,
        new GpuSupervision(Duration.ofMillis(10), Duration.ofMillis(100)),
        STUCK_AFTER);
  }

  private static Optional<ExecutionPlan> plan(Work work) {
    return Optional.of(
        new ExecutionPlan(
            JsonNodeFactory.instance.objectNode(),
            Map.of("1", planned("1", new TestNode(work, false))),
            List.of("1")));
  }

  private static PlannedNode planned(String id, TestNode node) {
    return new PlannedNode(
        id, new NodeRegistry.Registered(node, node.schema()), Map.of(), Map.of());
  }

  /** A node for the device, then one that needs none. */
  private static Optional<ExecutionPlan> plan(Work work, Work save) {
    Map<String, PlannedNode> nodes = new LinkedHashMap<>();
    nodes.put("1", planned("1", new TestNode(work, false)));
    nodes.put("2", planned("2", new TestNode(save, true)));
    return Optional.of(
        new ExecutionPlan(JsonNodeFactory.instance.objectNode(), nodes, List.of("1", "2")));
  }

  private ActorRef<GpuActor.Command> spawn(GpuSettings settings, TestProbe<GpuReport> front) {
    return kit.spawn(
        GpuActor.create(settings, Clock.systemUTC(), front.ref()),
        MailboxSelector.fromConfig("quartet.gpu-mailbox"));
  }

  private static <T extends GpuReport> T await(TestProbe<GpuReport> front, Class<T> kind) {
    while (true) {
      GpuReport report = front.receiveMessage(PATIENCE);
      if (kind.isInstance(report)) {
        return kind.cast(report);
      }
    }
  }

  private static ExecutionOutcome awaitEnd(TestProbe<GpuReport> front) {
    return await(front, GpuReport.Finished.class).end().outcome();
  }

  private static EngineException trouble(ErrorKind kind) {
    return new EngineException(
        new ErrorCode() {
          @Override
          public String name() {
            return "TEST_" + kind;
          }

          @Override
          public ErrorKind kind() {
            return kind;
          }
        },
        "made by the test");
  }

  @Test
  void aPromptRunsAndItsEndSaysWhatTheDeviceHolds() {
    TestProbe<GpuReport> front = kit.createTestProbe();
    ActorRef<GpuActor.Command> gpu = spawn(settings(job -> plan(context -> {})), front);
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
    TestProbe<GpuReport> front = kit.createTestProbe();
    ActorRef<GpuActor.Command> gpu = spawn(settings(job -> plan(context -> {})), front);
    gpu.tell(new GpuActor.Run(Jobs.job("a", 0), 0));
    GpuReport.LeftDevice left = await(front, GpuReport.LeftDevice.class);
    assertThat(left.job().promptId()).isEqualTo("a");
    assertThat(left.success()).isTrue();
    assertThat(left.holdings().resident()).isEmpty();
    assertThat(left.onDevice()).isPositive();
  }

  @Test
  void theNextPromptComputesWhileTheOneBeforeIsSavedAndEndsAfterIt() {
    TestProbe<GpuReport> front = kit.createTestProbe();
    CountDownLatch disk = new CountDownLatch(1);
    CountDownLatch savedSecond = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu =
        spawn(
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
    TestProbe<GpuReport> front = kit.createTestProbe();
    CountDownLatch disk = new CountDownLatch(1);
    Map<String, String> savedBy = new ConcurrentHashMap<>();
    ActorRef<GpuActor.Command> gpu =
        spawn(
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
    TestProbe<GpuReport> front = kit.createTestProbe();
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
        spawn(
            settings(
                job ->
                    plan(
                        context -> {
                          context.progress(1, 2, GpuActorTest::neverDrawn);
                          if (job.promptId().equals("b")) {
                            firstStep.countDown();
                            await(ended);
                            context.progress(2, 2, GpuActorTest::neverDrawn);
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

  private static ImageBatch neverDrawn(PreviewMethod method) {
    throw new IllegalStateException("nobody looks");
  }

  @Test
  void aFullDiskIsThePromptsErrorAndTheDeviceGoesOn() {
    TestProbe<GpuReport> front = kit.createTestProbe();
    ActorRef<GpuActor.Command> gpu =
        spawn(
            settings(
                job ->
                    plan(
                        context -> {},
                        context -> {
                          if (job.promptId().equals("a")) {
                            throw trouble(ErrorKind.STORAGE);
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
    TestProbe<GpuReport> front = kit.createTestProbe();
    CountDownLatch device = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu =
        spawn(
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
    TestProbe<GpuReport> front = kit.createTestProbe();
    CountDownLatch disk = new CountDownLatch(1);
    AtomicInteger saves = new AtomicInteger();
    ActorRef<GpuActor.Command> gpu =
        spawn(
            settings(
                job ->
                    plan(
                        context -> {
                          if (job.promptId().equals("b")) {
                            throw trouble(ErrorKind.DEVICE);
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
    TestProbe<GpuReport> front = kit.createTestProbe();
    CountDownLatch never = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu =
        spawn(settings(job -> plan(context -> {}, context -> await(never))), front);
    gpu.tell(new GpuActor.Run(Jobs.job("hangs", 0), 0));
    await(front, GpuReport.LeftDevice.class);
    GpuReport.Lost lost = await(front, GpuReport.Lost.class);
    assertThat(java.util.Objects.requireNonNull(lost.interrupted()).promptId()).isEqualTo("hangs");
    assertThat(lost.reason()).contains("prompt hangs has given no sign of life for ");
    never.countDown();
  }

  @Test
  void interruptStopsTheRunningPromptAndOnlyIt() {
    TestProbe<GpuReport> front = kit.createTestProbe();
    CountDownLatch started = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu =
        spawn(
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
    TestProbe<GpuReport> front = kit.createTestProbe();
    AtomicInteger plans = new AtomicInteger();
    ActorRef<GpuActor.Command> gpu =
        spawn(
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
    TestProbe<GpuReport> front = kit.createTestProbe();
    ActorRef<GpuActor.Command> gpu =
        spawn(
            settings(
                job ->
                    plan(
                        context -> {
                          throw trouble(ErrorKind.DEVICE);
                        })),
            front);
    gpu.tell(new GpuActor.Run(Jobs.job("a", 0), 0));
    assertThat(await(front, GpuReport.Down.class).reason()).isEqualTo("made by the test");
    await(front, GpuReport.Up.class);
  }

  @Test
  void threePromptsInARowWithoutMemoryRestartTheDevice() {
    TestProbe<GpuReport> front = kit.createTestProbe();
    ActorRef<GpuActor.Command> gpu =
        spawn(
            settings(
                job ->
                    plan(
                        context -> {
                          if (job.promptId().startsWith("large")) {
                            throw trouble(ErrorKind.OUT_OF_MEMORY);
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
    TestProbe<GpuReport> front = kit.createTestProbe();
    ActorRef<GpuActor.Command> gpu =
        spawn(
            settings(
                job ->
                    plan(
                        context -> {
                          throw trouble(ErrorKind.DEVICE_LOST);
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
    TestProbe<GpuReport> front = kit.createTestProbe();
    CountDownLatch never = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu = spawn(settings(job -> plan(context -> await(never))), front);
    gpu.tell(new GpuActor.Run(Jobs.job("hangs", 0), 0));
    GpuReport.Lost lost = await(front, GpuReport.Lost.class);
    assertThat(lost.reason()).contains("prompt hangs has given no sign of life for ");
    never.countDown();
  }

  private static void await(CountDownLatch gate) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
