package quartet.cluster.gpu;

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
import java.util.concurrent.CountDownLatch;
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
import quartet.tensor.Device;
import quartet.tensor.cpu.reference.ReferenceBackend;

/**
 * A device's actor with nodes that do what the test wants, on the reference backend.
 *
 * <p>Owner: a test class; one actor system for all of its tests.
 */
final class GpuRig implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration STUCK_AFTER = Duration.ofSeconds(3);

  private final ActorTestKit kit = ActorTestKit.create();

  /** What a node of a test does. */
  @FunctionalInterface
  interface Work {
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

  static GpuSettings settings(GpuSettings.Planner planner) {
    return settings(planner, PreviewSink.NONE);
  }

  static GpuSettings settings(GpuSettings.Planner planner, PreviewSink previews) {
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

  /** A node for the device. */
  static Optional<ExecutionPlan> plan(Work work) {
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
  static Optional<ExecutionPlan> plan(Work work, Work save) {
    Map<String, PlannedNode> nodes = new LinkedHashMap<>();
    nodes.put("1", planned("1", new TestNode(work, false)));
    nodes.put("2", planned("2", new TestNode(save, true)));
    return Optional.of(
        new ExecutionPlan(JsonNodeFactory.instance.objectNode(), nodes, List.of("1", "2")));
  }

  ActorRef<GpuActor.Command> spawn(GpuSettings settings, TestProbe<GpuReport> front) {
    return kit.spawn(
        GpuActor.create(settings, Clock.systemUTC(), front.ref()),
        MailboxSelector.fromConfig("quartet.gpu-mailbox"));
  }

  /** The next report of a kind; others are passed over. */
  static <T extends GpuReport> T await(TestProbe<GpuReport> front, Class<T> kind) {
    while (true) {
      GpuReport report = front.receiveMessage(PATIENCE);
      if (kind.isInstance(report)) {
        return kind.cast(report);
      }
    }
  }

  static ExecutionOutcome awaitEnd(TestProbe<GpuReport> front) {
    return await(front, GpuReport.Finished.class).end().outcome();
  }

  TestProbe<GpuReport> probe() {
    return kit.createTestProbe();
  }

  static void await(CountDownLatch gate) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    kit.shutdownTestKit();
  }
}
