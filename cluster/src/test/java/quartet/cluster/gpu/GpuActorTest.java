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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeRegistry;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.tensor.Device;
import quartet.tensor.cpu.reference.ReferenceBackend;

/** A device's actor with nodes that do what the test wants. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class GpuActorTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

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

  private record TestNode(Work work) implements Node {
    @Override
    public NodeSchema schema() {
      return NodeSchema.named("Test").outputNode().build();
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

  private GpuSettings settings(int capacity, GpuSettings.Planner planner) {
    return new GpuSettings(
        0,
        Device.cpu(0),
        capacity,
        () ->
            new DeviceWorker(
                0,
                new ReferenceBackend(Device.cpu(0)),
                new LocalHostModels(),
                Folders.below(Path.of("unused")),
                false,
                1),
        planner,
        PreviewSink.NONE);
  }

  private static Optional<ExecutionPlan> plan(Work work) {
    TestNode node = new TestNode(work);
    PlannedNode planned =
        new PlannedNode("1", new NodeRegistry.Registered(node, node.schema()), Map.of(), Map.of());
    return Optional.of(
        new ExecutionPlan(
            JsonNodeFactory.instance.objectNode(), Map.of("1", planned), List.of("1")));
  }

  private ActorRef<GpuActor.Command> spawn(GpuSettings settings, TestProbe<GpuActor.Report> front) {
    return kit.spawn(
        GpuActor.create(settings, Clock.systemUTC(), front.ref()),
        MailboxSelector.fromConfig("quartet.gpu-mailbox"));
  }

  private static PromptEvent.Ended awaitEnd(TestProbe<GpuActor.Report> front) {
    while (true) {
      if (front.receiveMessage(PATIENCE) instanceof GpuActor.Happened happened
          && happened.event() instanceof PromptEvent.Ended ended) {
        return ended;
      }
    }
  }

  @Test
  void promptsRunOneAfterTheOtherInTheOrderOfTheirNumbers() {
    TestProbe<GpuActor.Report> front = kit.createTestProbe();
    TestProbe<GpuActor.SubmitReply> replies = kit.createTestProbe();
    CountDownLatch gate = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu =
        spawn(settings(10, job -> plan(context -> await(gate))), front);
    for (PromptJob job : List.of(Jobs.job("a", 0), Jobs.job("c", 2), Jobs.job("b", 1))) {
      gpu.tell(new GpuActor.Submit(job, replies.ref()));
      assertThat(replies.receiveMessage(PATIENCE)).isInstanceOf(GpuActor.Accepted.class);
    }
    gate.countDown();
    List<String> ended = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      PromptEvent.Ended end = awaitEnd(front);
      assertThat(end.outcome()).isInstanceOf(ExecutionOutcome.Succeeded.class);
      ended.add(end.job().promptId());
    }
    assertThat(ended).containsExactly("a", "b", "c");
  }

  @Test
  void aFullQueueIsSaidAtOnce() {
    TestProbe<GpuActor.Report> front = kit.createTestProbe();
    TestProbe<GpuActor.SubmitReply> replies = kit.createTestProbe();
    CountDownLatch gate = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu = spawn(settings(2, job -> plan(context -> await(gate))), front);
    for (int i = 0; i < 3; i++) {
      gpu.tell(new GpuActor.Submit(Jobs.job("j" + i, i), replies.ref()));
    }
    assertThat(replies.receiveMessage(PATIENCE)).isInstanceOf(GpuActor.Accepted.class);
    assertThat(replies.receiveMessage(PATIENCE)).isInstanceOf(GpuActor.Accepted.class);
    assertThat(replies.receiveMessage(PATIENCE))
        .isInstanceOfSatisfying(
            GpuActor.Full.class, full -> assertThat(full.waiting()).isEqualTo(2));
    gate.countDown();
    awaitEnd(front);
    awaitEnd(front);
  }

  @Test
  void interruptStopsTheRunningPromptAndOnlyIt() {
    TestProbe<GpuActor.Report> front = kit.createTestProbe();
    TestProbe<GpuActor.SubmitReply> replies = kit.createTestProbe();
    CountDownLatch started = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu =
        spawn(
            settings(
                10,
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
    gpu.tell(new GpuActor.Submit(Jobs.job("long", 0), replies.ref()));
    gpu.tell(new GpuActor.Submit(Jobs.job("next", 1), replies.ref()));
    await(started);
    gpu.tell(new GpuActor.Interrupt("next"));
    gpu.tell(new GpuActor.Interrupt("long"));
    PromptEvent.Ended first = awaitEnd(front);
    assertThat(first.job().promptId()).isEqualTo("long");
    assertThat(first.outcome()).isInstanceOf(ExecutionOutcome.Interrupted.class);
    assertThat(awaitEnd(front).outcome()).isInstanceOf(ExecutionOutcome.Succeeded.class);
  }

  @Test
  void aFailingDeviceIsRestartedAndItsQueueGoesOn() {
    TestProbe<GpuActor.Report> front = kit.createTestProbe();
    TestProbe<GpuActor.SubmitReply> replies = kit.createTestProbe();
    AtomicInteger plans = new AtomicInteger();
    ActorRef<GpuActor.Command> gpu =
        spawn(
            settings(
                10,
                job -> {
                  boolean fails =
                      job.promptId().equals("always")
                          || (job.promptId().equals("once") && plans.getAndIncrement() == 0);
                  if (fails) {
                    throw new IllegalStateException("the device is gone");
                  }
                  return plan(context -> {});
                }),
            front);
    for (PromptJob job :
        List.of(Jobs.job("once", 0), Jobs.job("always", 1), Jobs.job("after", 2))) {
      gpu.tell(new GpuActor.Submit(job, replies.ref()));
    }
    PromptEvent.Ended once = awaitEnd(front);
    assertThat(once.job().promptId()).isEqualTo("once");
    assertThat(once.outcome()).isInstanceOf(ExecutionOutcome.Succeeded.class);
    PromptEvent.Ended always = awaitEnd(front);
    assertThat(always.job().promptId()).isEqualTo("always");
    assertThat(always.outcome()).isInstanceOf(ExecutionOutcome.Failed.class);
    PromptEvent.Ended after = awaitEnd(front);
    assertThat(after.job().promptId()).isEqualTo("after");
    assertThat(after.outcome()).isInstanceOf(ExecutionOutcome.Succeeded.class);
  }

  private static void await(CountDownLatch gate) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
