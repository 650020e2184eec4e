package quartet.engine.device;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.engine.exec.CacheMode;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.exec.OutputCache;
import quartet.engine.exec.PromptExecutor;
import quartet.engine.exec.Remainder;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.model.Models;
import quartet.engine.node.ClientMessage;
import quartet.engine.node.NodeContext;
import quartet.engine.node.Preview;
import quartet.engine.run.CancelToken;
import quartet.errors.ErrorKind;
import quartet.tensor.Backend;
import quartet.tensor.DeviceMemory;

/**
 * Runs plans on one device, with its resident models and cached outputs, and carries out the
 * out-of-memory contract: clear everything that can be made again, and try once more.
 *
 * <p>Owner: of the backend. Thread: the device's, from construction to close.
 */
public final class DeviceWorker implements Worker {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceWorker.class);

  private final int gpuId;
  private final Backend backend;
  private final NodeContext.Files files;
  private final boolean writeMetadata;
  private final DeviceModels models;
  private final OutputCache cache;
  private final PromptExecutor executor;

  /** A worker that keeps the results that the coming prompt can use. */
  public DeviceWorker(
      int gpuId,
      Backend backend,
      HostModels hostModels,
      NodeContext.Files files,
      boolean writeMetadata,
      int maxResident) {
    this(gpuId, backend, hostModels, files, writeMetadata, maxResident, new CacheMode.Classic());
  }

  /**
   * A worker.
   *
   * @param gpuId the number by which operators know the device
   * @param maxResident checkpoints kept on the device at once
   * @param cacheMode which results are kept
   */
  public DeviceWorker(
      int gpuId,
      Backend backend,
      HostModels hostModels,
      NodeContext.Files files,
      boolean writeMetadata,
      int maxResident,
      CacheMode cacheMode) {
    this.cache = new OutputCache(cacheMode);
    this.executor = new PromptExecutor(cache);
    this.gpuId = gpuId;
    this.backend = backend;
    this.files = files;
    this.writeMetadata = writeMetadata;
    this.models = new DeviceModels(backend, hostModels, maxResident);
  }

  /** A prompt as a device sees it. */
  public record Job(
      String promptId, ExecutionPlan plan, ObjectNode extraPngInfo, CancelToken cancel) {}

  /** How a job ended, and how often the device ran out of memory on the way. */
  public record Result(ExecutionOutcome outcome, int outOfMemory) {}

  /** Runs a job as far as it needs the device; never throws for what a node does. */
  @Override
  public Remainder<Result> begin(Job job, Consumer<ExecutionEvent> events) {
    try {
      models.beginJob();
      Remainder<ExecutionOutcome> begun = once(job, events);
      return ranOutOfMemory(begun)
          ? again(job, events)
          : begun.map(outcome -> new Result(outcome, 0));
    } finally {
      models.endJob();
    }
  }

  private Remainder<Result> again(Job job, Consumer<ExecutionEvent> events) {
    LOG.warn("💥 [GPU {}] OOM for prompt {}, clearing cache", gpuId, job.promptId());
    cache.dropValues();
    models.clear();
    models.beginTightJob();
    LOG.info("✅ [GPU {}] Cache cleared, retrying...", gpuId);
    return once(job, events).map(outcome -> new Result(outcome, 1));
  }

  private Remainder<ExecutionOutcome> once(Job job, Consumer<ExecutionEvent> events) {
    return executor.begin(
        job.plan(), files, job.cancel(), nodeId -> new Context(job, nodeId, events), events);
  }

  /** Of the device's memory: what has left the device uses none. */
  private static boolean ranOutOfMemory(Remainder<ExecutionOutcome> begun) {
    return begun instanceof Remainder.Nothing<ExecutionOutcome>(ExecutionOutcome outcome)
        && outcome instanceof ExecutionOutcome.Failed failed
        && failed.kind() == ErrorKind.OUT_OF_MEMORY;
  }

  /** Computes something small of every kind, so that libraries are loaded and code is compiled. */
  @Override
  public void warmUp() {
    WarmUp.run(backend);
  }

  /** Drops cached outputs and resident models. */
  @Override
  public void clearCaches() {
    cache.clear();
    models.clear();
  }

  /** Drops cached outputs only. */
  @Override
  public void clearOutputs() {
    cache.clear();
  }

  /** Checkpoints on the device, least recently used first. */
  @Override
  public List<Path> resident() {
    return models.resident();
  }

  @Override
  public DeviceMemory memory() {
    return backend.memory();
  }

  @Override
  public String description() {
    return backend.description();
  }

  @Override
  public void close() {
    cache.clear();
    models.close();
    backend.close();
  }

  /** What one node of one job may use. */
  private final class Context implements NodeContext {
    private final Job job;
    private final String nodeId;
    private final Consumer<ExecutionEvent> events;

    Context(Job job, String nodeId, Consumer<ExecutionEvent> events) {
      this.job = job;
      this.nodeId = nodeId;
      this.events = events;
    }

    @Override
    public Backend backend() {
      return backend;
    }

    @Override
    public Models models() {
      return models;
    }

    @Override
    public Files files() {
      return files;
    }

    @Override
    public ObjectNode prompt() {
      return job.plan().prompt();
    }

    @Override
    public ObjectNode extraPngInfo() {
      return job.extraPngInfo();
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
