package quartet.tensor.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cuda.CudaDriver;
import quartet.cuda.KernelArguments;
import quartet.cuda.LaunchShape;
import quartet.cuda.raw.CublasLt;
import quartet.cuda.raw.Cudnn;
import quartet.cuda.raw.Nvrtc;
import quartet.cuda.raw.RealDriver;
import quartet.tensor.Backend;
import quartet.tensor.DType;
import quartet.tensor.Device;
import quartet.tensor.DeviceMemory;
import quartet.tensor.Parameters;
import quartet.tensor.Replay;
import quartet.tensor.TensorScope;

/**
 * One NVIDIA GPU. All work is queued on one stream, in the order of the calls; so memory is used
 * again without waiting, and equal calls give equal bits. Only copies of weights run on a stream of
 * their own, into memory of their own ({@link Uploads}).
 *
 * <p>Owner: of everything on the device. Thread: the device's own, from construction to close, but
 * for {@link #memory}.
 */
public final class CudaBackend implements Backend {
  private static final Logger LOG = LoggerFactory.getLogger(CudaBackend.class);

  private final Device device;
  private final CudaDriver driver;
  private final HostRegistrations registrations;
  private final Libraries libraries;
  private final Arena arena = Arena.ofShared();
  private final long stream;
  private final long copies;
  private final ChunkPool activations;
  private final ChunkPool weights;
  private final ChunkPool graphMemory;
  private final ChunkPool.Block workspace;
  private final ChunkPool workspacePool;
  private final Staging staging;
  private final KernelArguments arguments = new KernelArguments(arena);
  private final KernelLibrary kernels;
  private final Stopwatch stopwatch;
  private final Tuning tuning;
  private final Products products;
  private final Convolutions convolutions;
  private final Attentions attentions;
  private final List<CudaScope> roots = new ArrayList<>();
  private final List<CudaParameters> parameters = new ArrayList<>();
  private final List<CudaReplay> replays = new ArrayList<>();
  private ChunkPool pool;
  private int graphs;
  private boolean recording;

  /**
   * The libraries of one device.
   *
   * @param compilers loads NVRTC when a kernel is not in the cache
   */
  public record Libraries(CublasLt cublas, Cudnn cudnn, Supplier<Nvrtc> compilers) {}

  private CudaBackend(
      Device device,
      CudaDriver driver,
      Libraries libraries,
      HostRegistrations registrations,
      CudaSettings settings,
      AllocationGate gate) {
    this.device = device;
    this.driver = driver;
    this.registrations = registrations;
    this.libraries = libraries;
    stream = driver.createStream();
    copies = driver.createStream();
    activations = new ChunkPool(driver, MemoryUse.ACTIVATIONS, gate, this::trim);
    weights = new ChunkPool(driver, MemoryUse.WEIGHTS, gate, this::trim);
    graphMemory = new ChunkPool(driver, MemoryUse.GRAPHS, gate, this::trim);
    workspacePool = new ChunkPool(driver, MemoryUse.WORKSPACE, AllocationGate.OPEN, this::trim);
    workspace = workspacePool.allocate(settings.workspaceBytes());
    pool = activations;
    staging = new Staging(driver, stream);
    kernels =
        new KernelLibrary(driver, settings.cacheFolder().resolve("kernels"), libraries.compilers());
    stopwatch = new Stopwatch(driver, stream);
    tuning =
        Tuning.open(
            settings
                .cacheFolder()
                .resolve(
                    "tuning-%s-cublas%s-cudnn%s.txt"
                        .formatted(
                            driver.info().name().replaceAll("[^A-Za-z0-9]+", "-"),
                            libraries.cublas().version(),
                            libraries.cudnn().version())));
    libraries.cudnn().useStream(stream);
    products =
        new Products(libraries.cublas(), tuning, stopwatch, settings, workspace.address, stream);
    Plans plans = new Plans(tuning, stopwatch, settings);
    convolutions = new Convolutions(libraries.cudnn(), plans, workspace.address);
    attentions = new Attentions(libraries.cudnn(), plans, workspace.address);
  }

  /**
   * Opens a device on the calling thread.
   *
   * @param registrations shared by the devices of the process
   * @throws quartet.errors.EngineException if the device or a library is missing
   */
  public static CudaBackend open(
      Device device, HostRegistrations registrations, CudaSettings settings) {
    return open(device, registrations, settings, AllocationGate.OPEN);
  }

  /** The same with a gate before each allocation. */
  public static CudaBackend open(
      Device device, HostRegistrations registrations, CudaSettings settings, AllocationGate gate) {
    RealDriver driver = RealDriver.open(device.index());
    Libraries libraries = new Libraries(CublasLt.load(), Cudnn.load(), Nvrtc::load);
    return new CudaBackend(device, driver, libraries, registrations, settings, gate);
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public String description() {
    return "%s, %,d MiB, driver CUDA %d.%d, cuBLASLt %s, cuDNN %s"
        .formatted(
            driver.info().name(),
            driver.info().totalBytes() >> 20,
            driver.info().driverVersion() / 1000,
            driver.info().driverVersion() % 1000 / 10,
            libraries.cublas().version(),
            libraries.cudnn().version());
  }

  @Override
  public TensorScope openScope(String purpose) {
    return openCudaScope(purpose);
  }

  CudaScope openCudaScope(String purpose) {
    CudaScope scope = new CudaScope(this, purpose, null);
    roots.add(scope);
    return scope;
  }

  @Override
  public Parameters openParameters(String sourceId) {
    return adopt(new CudaParameters(this, DType.F16, null));
  }

  @Override
  public Parameters openParameters(String sourceId, MemorySegment region) {
    return adopt(new CudaParameters(this, DType.F16, region));
  }

  /** The same, computing in float16, or in bfloat16 where float16's range is too small. */
  public Parameters openParameters(String sourceId, DType type) {
    if (!Types.isHalf(type)) {
      throw new IllegalArgumentException("networks compute in F16 or BF16, not in " + type);
    }
    return adopt(new CudaParameters(this, type, null));
  }

  private CudaParameters adopt(CudaParameters opened) {
    parameters.add(opened);
    return opened;
  }

  @Override
  public Replay replay(String purpose, Replay.Body body) {
    CudaReplay replay = new CudaReplay(this, purpose, body);
    replays.add(replay);
    return replay;
  }

  @Override
  public DeviceMemory memory() {
    CudaDriver.Memory now = driver.memory();
    long idle =
        activations.reservedBytes()
            - activations.liveBytes()
            + weights.reservedBytes()
            - weights.liveBytes();
    return new DeviceMemory(
        now.totalBytes(), now.freeBytes() + idle, activations.liveBytes(), weights.liveBytes());
  }

  /** Bytes held from the driver for each purpose. From any thread. */
  public Map<MemoryUse, Long> ledger() {
    Map<MemoryUse, Long> ledger = new EnumMap<>(MemoryUse.class);
    ledger.put(MemoryUse.ACTIVATIONS, activations.liveBytes());
    ledger.put(MemoryUse.WEIGHTS, weights.liveBytes());
    ledger.put(MemoryUse.GRAPHS, graphMemory.reservedBytes());
    ledger.put(MemoryUse.WORKSPACE, workspacePool.liveBytes());
    return ledger;
  }

  /**
   * Lets a kernel write where no memory is, after which no call of this process reaches the device
   * any more. For trying out recovery.
   */
  public void poison() {
    launch(
        KernelLibrary.Variant.of("elementwise", false),
        "cast",
        LaunchShape.of(1, 32),
        arguments().add(0x10L).add(0).add(0x10L).add(1).add(32L));
  }

  /** Gives memory that nobody uses back to the driver. */
  private void trim() {
    activations.trim();
    weights.trim();
    if (graphs == 0 && !recording) {
      graphMemory.trim();
    }
  }

  // ---- for this package

  CudaDriver driver() {
    return driver;
  }

  long stream() {
    return stream;
  }

  /** Where {@link Uploads} copy. */
  long copies() {
    return copies;
  }

  ChunkPool pool() {
    return pool;
  }

  ChunkPool activationPool() {
    return activations;
  }

  ChunkPool weightPool() {
    return weights;
  }

  Staging staging() {
    return staging;
  }

  HostRegistrations registrations() {
    return registrations;
  }

  Products products() {
    return products;
  }

  Convolutions convolutions() {
    return convolutions;
  }

  Attentions attentions() {
    return attentions;
  }

  boolean isRecording() {
    return recording;
  }

  /** Arguments of the next launch, begun anew. */
  KernelArguments arguments() {
    return arguments.start();
  }

  void launch(
      KernelLibrary.Variant variant, String name, LaunchShape shape, KernelArguments values) {
    driver.launch(kernels.function(variant, name), shape, values.pointers(), stream);
  }

  /** A kernel that needs more shared memory than blocks have unasked. */
  void allowSharedBytes(KernelLibrary.Variant variant, String name, int bytes) {
    driver.allowSharedBytes(kernels.function(variant, name), bytes);
  }

  /**
   * Records what is queued meanwhile, computing in the graphs' memory.
   *
   * @return the graph
   */
  long record(Runnable work) {
    pool = graphMemory;
    recording = true;
    boolean ended = false;
    driver.beginCapture(stream);
    try {
      work.run();
      ended = true;
      long graph = driver.endCapture(stream);
      graphs++;
      return graph;
    } finally {
      if (!ended) {
        driver.abandonCapture(stream);
      }
      recording = false;
      pool = activations;
    }
  }

  /** Allocates outside the graphs' memory while one is recorded. */
  <T> T outsideRecording(Supplier<T> work) {
    ChunkPool before = pool;
    pool = activations;
    try {
      return work.get();
    } finally {
      pool = before;
    }
  }

  void forgetGraph() {
    graphs--;
  }

  void keepTuning() {
    tuning.save();
  }

  void forget(CudaScope scope) {
    roots.remove(scope);
  }

  void forget(CudaParameters closed) {
    parameters.remove(closed);
  }

  void forget(CudaReplay closed) {
    replays.remove(closed);
  }

  @Override
  public void close() {
    List.copyOf(replays).forEach(CudaReplay::close);
    List.copyOf(roots).forEach(CudaScope::close);
    List.copyOf(parameters).forEach(CudaParameters::close);
    tuning.save();
    products.close();
    convolutions.close();
    attentions.close();
    kernels.close();
    stopwatch.close();
    staging.close();
    workspacePool.release(workspace);
    for (ChunkPool one : List.of(activations, weights, graphMemory, workspacePool)) {
      one.close();
    }
    libraries.cublas().close();
    libraries.cudnn().close();
    driver.destroyStream(stream);
    driver.destroyStream(copies);
    driver.close();
    arena.close();
    LOG.debug("{} closed", device);
  }
}
