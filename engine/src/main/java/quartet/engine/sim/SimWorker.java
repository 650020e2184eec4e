package quartet.engine.sim;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.Worker;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.exec.OutputCache;
import quartet.engine.exec.PromptExecutor;
import quartet.engine.exec.Remainder;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.graph.PlannedNode;
import quartet.engine.model.Models;
import quartet.engine.node.ClientMessage;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeRegistry;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.Preview;
import quartet.engine.run.CancelToken;
import quartet.errors.ErrorKind;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.DeviceMemory;

/**
 * Runs plans without computing: nodes that would use the device wait by {@link SimCosts}, all
 * others, saving among them, run as they are. Caching, progress, cancelling and the out-of-memory
 * contract are those of a real device.
 *
 * <p>Thread: the device's.
 */
public final class SimWorker implements Worker {
  private static final Logger LOG = LoggerFactory.getLogger(SimWorker.class);

  private final int gpuId;
  private final Device device;
  private final SimMachine machine;
  private final NodeContext.Files files;
  private final boolean writeMetadata;
  private final OutputCache cache = new OutputCache();
  private final PromptExecutor executor = new PromptExecutor(cache);

  /**
   * A worker.
   *
   * @param gpuId the number by which operators know the device
   * @param maxResident checkpoints kept on the device at once
   */
  public SimWorker(
      int gpuId,
      Device device,
      SimCosts costs,
      NodeContext.Files files,
      boolean writeMetadata,
      int maxResident) {
    this.gpuId = gpuId;
    this.device = device;
    this.machine = new SimMachine(costs, device.index(), maxResident);
    this.files = files;
    this.writeMetadata = writeMetadata;
  }

  @Override
  public Remainder<DeviceWorker.Result> begin(
      DeviceWorker.Job job, Consumer<ExecutionEvent> events) {
    ExecutionPlan plan = simulated(job.plan());
    Remainder<ExecutionOutcome> begun = once(job, plan, events);
    if (!(begun instanceof Remainder.Nothing<ExecutionOutcome>(ExecutionOutcome outcome))
        || !(outcome instanceof ExecutionOutcome.Failed failed)
        || failed.kind() != ErrorKind.OUT_OF_MEMORY) {
      return begun.map(ended -> new DeviceWorker.Result(ended, 0));
    }
    LOG.warn("💥 [GPU {}] OOM for prompt {}, clearing cache", gpuId, job.promptId());
    cache.dropValues();
    machine.clear();
    LOG.info("✅ [GPU {}] Cache cleared, retrying...", gpuId);
    return once(job, plan, events).map(ended -> new DeviceWorker.Result(ended, 1));
  }

  private Remainder<ExecutionOutcome> once(
      DeviceWorker.Job job, ExecutionPlan plan, Consumer<ExecutionEvent> events) {
    return executor.begin(
        plan, files, job.cancel(), nodeId -> new Context(job, plan, nodeId, events), events);
  }

  private ExecutionPlan simulated(ExecutionPlan plan) {
    Map<String, PlannedNode> nodes = new LinkedHashMap<>();
    plan.nodes()
        .forEach(
            (id, node) -> {
              NodeRegistry.Registered real = node.registered();
              nodes.put(
                  id,
                  new PlannedNode(
                      id,
                      new NodeRegistry.Registered(simulated(real), real.schema()),
                      node.constants(),
                      node.links()));
            });
    return new ExecutionPlan(plan.prompt(), nodes, plan.outputs());
  }

  private Node simulated(NodeRegistry.Registered real) {
    NodeSchema schema = real.schema();
    if (SimNode.usesDevice(schema)) {
      return new SimNode(real.node(), schema, machine);
    }
    return schema.output() && schema.hostOnly()
        ? new SimSave(real.node(), schema, machine.costs().save())
        : real.node();
  }

  @Override
  public void warmUp() {
    machine.spend(machine.costs().step(1), CancelToken.NEVER);
  }

  @Override
  public void clearCaches() {
    cache.clear();
    machine.clear();
  }

  @Override
  public void clearOutputs() {
    cache.clear();
  }

  @Override
  public List<Path> resident() {
    return machine.resident();
  }

  @Override
  public DeviceMemory memory() {
    return machine.memory();
  }

  @Override
  public String description() {
    return "simulated device %s, nothing is computed".formatted(device);
  }

  @Override
  public void close() {
    clearCaches();
  }

  /** What one node of one job may use: everything but a device. */
  private final class Context implements NodeContext {
    private final DeviceWorker.Job job;
    private final ExecutionPlan plan;
    private final String nodeId;
    private final Consumer<ExecutionEvent> events;

    Context(
        DeviceWorker.Job job, ExecutionPlan plan, String nodeId, Consumer<ExecutionEvent> events) {
      this.job = job;
      this.plan = plan;
      this.nodeId = nodeId;
      this.events = events;
    }

    @Override
    public Backend backend() {
      throw nothingThere();
    }

    @Override
    public Models models() {
      throw nothingThere();
    }

    private IllegalStateException nothingThere() {
      return new IllegalStateException(
          "%s is simulated and cannot compute for node %s".formatted(device, nodeId));
    }

    @Override
    public Files files() {
      return files;
    }

    @Override
    public ObjectNode prompt() {
      return plan.prompt();
    }

    @Override
    public ObjectNode extraPngInfo() {
      ObjectNode info = job.extraPngInfo().deepCopy();
      info.putObject("quartet").put("simulated", true);
      return info;
    }

    @Override
    public boolean writeMetadata() {
      return writeMetadata;
    }

    @Override
    public CancelToken cancel() {
      return job.cancel();
    }

    @Override
    public String nodeId() {
      return nodeId;
    }

    @Override
    public void tell(ClientMessage message) {
      events.accept(new ExecutionEvent.Message(nodeId, message));
    }

    @Override
    public void progress(int value, int max, Preview preview) {
      job.cancel().throwIfCancelled();
      events.accept(new ExecutionEvent.Progress(nodeId, value, max, preview));
    }
  }
}
