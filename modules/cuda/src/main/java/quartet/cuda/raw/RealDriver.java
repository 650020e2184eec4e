package quartet.cuda.raw;

import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUgraph;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUuuid;
import jcuda.driver.JCudaDriver;
import quartet.cuda.CudaDriver;
import quartet.cuda.CudaStatus;
import quartet.cuda.DeviceInfo;
import quartet.cuda.LaunchShape;
import quartet.errors.Required;

/**
 * One device through the installed driver. The control plane (device, context, streams, events,
 * modules, graphs) is JCuda's; memory by raw address and launches go through {@link DriverCalls}.
 *
 * <p>It uses the device's primary context, which cuBLASLt and cuDNN use too.
 */
public final class RealDriver implements CudaDriver {
  private static final int CU_MEMHOSTALLOC_PORTABLE = 0x01;
  private static final int CU_MEMHOSTREGISTER_PORTABLE = 0x01;
  private static final int CU_MEMHOSTREGISTER_READ_ONLY = 0x08;
  private static final int CU_STREAM_NON_BLOCKING = 0x1;
  private static final int CU_CTX_SCHED_BLOCKING_SYNC = 0x04;
  private static final int CU_STREAM_CAPTURE_MODE_RELAXED = 2;
  private static final int CU_EVENT_DEFAULT = 0;
  private static final int NOT_READY = 600;

  private final DriverCalls calls;
  private final CUdevice device;
  private final CUcontext context = new CUcontext();
  private final DeviceInfo info;
  private final Map<Long, Handles.Stream> streams = new HashMap<>();
  private final Map<Long, Handles.Event> events = new HashMap<>();
  private final Map<Long, Handles.Module> modules = new HashMap<>();
  private final Map<Long, Handles.Function> functions = new HashMap<>();
  private final Map<Long, Handles.GraphExec> graphs = new HashMap<>();

  private RealDriver(DriverCalls calls, CUdevice device, DeviceInfo info) {
    this.calls = calls;
    this.device = device;
    this.info = info;
  }

  /** How many devices this process may use; 0 where there is no driver. */
  public static int count() {
    if (LibrarySearch.ofThisProcess().load(LibrarySearch.DRIVER).isEmpty() || !initialised()) {
      return 0;
    }
    int[] count = new int[1];
    return JCudaDriver.cuDeviceGetCount(count) == CUresult.CUDA_SUCCESS ? count[0] : 0;
  }

  private static boolean initialised() {
    try {
      return JCudaDriver.cuInit(0) == CUresult.CUDA_SUCCESS;
    } catch (UnsatisfiedLinkError e) {
      return false;
    }
  }

  /** What a device is, without opening it; empty if there is no such device. */
  public static Optional<DeviceInfo> describe(int ordinal) {
    return ordinal < 0 || ordinal >= count() ? Optional.empty() : Optional.of(read(ordinal));
  }

  /**
   * Opens a device and binds the calling thread to it.
   *
   * @throws quartet.errors.EngineException if there is no such device or it cannot be used
   */
  public static RealDriver open(int ordinal) {
    NativeLibrary library =
        LibrarySearch.ofThisProcess()
            .load(LibrarySearch.DRIVER)
            .orElseThrow(() -> Missing.library("libcuda.so.1", "Install the NVIDIA driver."));
    DriverCalls calls = new DriverCalls(library);
    check(JCudaDriver.cuInit(0), "cuInit");
    CUdevice device = new CUdevice();
    check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet(" + ordinal + ")");
    RealDriver driver = new RealDriver(calls, device, read(ordinal));
    // Waiting threads sleep instead of spinning: several devices share few cores. Refused when
    // another library has already made the context, which is no harm.
    int flags = JCudaDriver.cuDevicePrimaryCtxSetFlags(device, CU_CTX_SCHED_BLOCKING_SYNC);
    if (CudaStatus.isFatalAtStart(flags)) {
      check(flags, "cuDevicePrimaryCtxSetFlags");
    }
    check(
        JCudaDriver.cuDevicePrimaryCtxRetain(driver.context, device),
        "cuDevicePrimaryCtxRetain(" + ordinal + ")");
    driver.bindThread();
    return driver;
  }

  private static DeviceInfo read(int ordinal) {
    CUdevice device = new CUdevice();
    check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet(" + ordinal + ")");
    byte[] name = new byte[256];
    check(JCudaDriver.cuDeviceGetName(name, name.length, device), "cuDeviceGetName");
    CUuuid uuid = new CUuuid();
    check(JCudaDriver.cuDeviceGetUuid(uuid, device), "cuDeviceGetUuid");
    String[] bus = new String[1];
    check(JCudaDriver.cuDeviceGetPCIBusId(bus, 32, device), "cuDeviceGetPCIBusId");
    long[] total = new long[1];
    check(JCudaDriver.cuDeviceTotalMem(total, device), "cuDeviceTotalMem");
    int[] version = new int[1];
    check(JCudaDriver.cuDriverGetVersion(version), "cuDriverGetVersion");
    return new DeviceInfo(
        ordinal,
        text(name),
        uuidText(uuid.bytes),
        String.valueOf(bus[0]).strip(),
        attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) * 10
            + attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
        attribute(device, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
        attribute(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
        attribute(device, CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE),
        total[0],
        version[0]);
  }

  private static String text(byte[] zeroEnded) {
    int end = 0;
    while (end < zeroEnded.length && zeroEnded[end] != 0) {
      end++;
    }
    return new String(zeroEnded, 0, end, StandardCharsets.UTF_8);
  }

  private static String uuidText(byte[] bytes) {
    String hex = HexFormat.of().formatHex(bytes);
    return "%s-%s-%s-%s-%s"
        .formatted(
            hex.substring(0, 8),
            hex.substring(8, 12),
            hex.substring(12, 16),
            hex.substring(16, 20),
            hex.substring(20));
  }

  private static int attribute(CUdevice device, int attribute) {
    int[] value = new int[1];
    check(
        JCudaDriver.cuDeviceGetAttribute(value, attribute, device),
        "cuDeviceGetAttribute(" + attribute + ")");
    return value[0];
  }

  private static void check(int status, String call) {
    CudaStatus.check(status, call, CUresult.stringFor(status));
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public void bindThread() {
    check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
  }

  @Override
  public Memory memory() {
    long[] free = new long[1];
    long[] total = new long[1];
    bindThread();
    check(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo");
    return new Memory(free[0], total[0]);
  }

  @Override
  public long allocate(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.JAVA_LONG);
      check(calls.allocate(out, bytes), "cuMemAlloc of %d bytes".formatted(bytes));
      return out.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  @Override
  public void free(long address) {
    check(calls.free(address), "cuMemFree");
  }

  @Override
  @SuppressWarnings("restricted") // the driver says how long the memory is
  public MemorySegment allocatePinned(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      check(
          calls.hostAllocate(out, bytes, CU_MEMHOSTALLOC_PORTABLE),
          "cuMemHostAlloc of %d bytes".formatted(bytes));
      return out.get(ValueLayout.ADDRESS, 0).reinterpret(bytes);
    }
  }

  @Override
  public void freePinned(MemorySegment memory) {
    check(calls.hostFree(memory), "cuMemFreeHost");
  }

  @Override
  public boolean registerReadOnly(MemorySegment memory) {
    return calls.register(memory, CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_READ_ONLY)
        == CUresult.CUDA_SUCCESS;
  }

  @Override
  public void unregister(MemorySegment memory) {
    check(calls.unregister(memory), "cuMemHostUnregister");
  }

  @Override
  public long createStream() {
    Handles.Stream stream = new Handles.Stream();
    check(JCudaDriver.cuStreamCreate(stream, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
    streams.put(stream.address(), stream);
    return stream.address();
  }

  @Override
  public void destroyStream(long stream) {
    Handles.Stream handle = Required.in(streams, stream);
    streams.remove(stream);
    check(JCudaDriver.cuStreamDestroy(handle), "cuStreamDestroy");
  }

  @Override
  public void synchronize(long stream) {
    check(JCudaDriver.cuStreamSynchronize(Required.in(streams, stream)), "cuStreamSynchronize");
  }

  @Override
  public void waitEvent(long stream, long event) {
    check(
        JCudaDriver.cuStreamWaitEvent(Required.in(streams, stream), Required.in(events, event), 0),
        "cuStreamWaitEvent");
  }

  @Override
  public long createEvent() {
    Handles.Event event = new Handles.Event();
    check(JCudaDriver.cuEventCreate(event, CU_EVENT_DEFAULT), "cuEventCreate");
    events.put(event.address(), event);
    return event.address();
  }

  @Override
  public void destroyEvent(long event) {
    Handles.Event handle = Required.in(events, event);
    events.remove(event);
    check(JCudaDriver.cuEventDestroy(handle), "cuEventDestroy");
  }

  @Override
  public void recordEvent(long event, long stream) {
    check(
        JCudaDriver.cuEventRecord(Required.in(events, event), Required.in(streams, stream)),
        "cuEventRecord");
  }

  @Override
  public void synchronizeEvent(long event) {
    check(JCudaDriver.cuEventSynchronize(Required.in(events, event)), "cuEventSynchronize");
  }

  @Override
  public boolean eventReached(long event) {
    int status = JCudaDriver.cuEventQuery(Required.in(events, event));
    if (status == NOT_READY) {
      return false;
    }
    check(status, "cuEventQuery");
    return true;
  }

  @Override
  public float milliseconds(long startEvent, long endEvent) {
    float[] milliseconds = new float[1];
    check(
        JCudaDriver.cuEventElapsedTime(
            milliseconds, Required.in(events, startEvent), Required.in(events, endEvent)),
        "cuEventElapsedTime");
    return milliseconds[0];
  }

  @Override
  public void copyToDevice(long target, MemorySegment source, long stream) {
    check(calls.copyToDevice(target, source, stream), "cuMemcpyHtoDAsync");
  }

  @Override
  public void copyToHost(MemorySegment target, long source, long stream) {
    check(calls.copyToHost(target, source, stream), "cuMemcpyDtoHAsync");
  }

  @Override
  public void copyOnDevice(long target, long source, long bytes, long stream) {
    check(calls.copyOnDevice(target, source, bytes, stream), "cuMemcpyDtoDAsync");
  }

  @Override
  public void fill(long target, byte value, long bytes, long stream) {
    check(calls.fill(target, value, bytes, stream), "cuMemsetD8Async");
  }

  @Override
  public long loadModule(byte[] image) {
    Handles.Module module = new Handles.Module();
    check(JCudaDriver.cuModuleLoadData(module, image), "cuModuleLoadData");
    modules.put(module.address(), module);
    return module.address();
  }

  @Override
  public void unloadModule(long module) {
    CUmodule handle = Required.in(modules, module);
    modules.remove(module);
    check(JCudaDriver.cuModuleUnload(handle), "cuModuleUnload");
  }

  @Override
  public long function(long module, String name) {
    Handles.Function function = new Handles.Function();
    check(
        JCudaDriver.cuModuleGetFunction(function, Required.in(modules, module), name),
        "cuModuleGetFunction(" + name + ")");
    functions.put(function.address(), function);
    return function.address();
  }

  @Override
  public void allowSharedBytes(long function, int bytes) {
    check(
        JCudaDriver.cuFuncSetAttribute(
            Required.in(functions, function),
            CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
            bytes),
        "cuFuncSetAttribute(shared memory, %d)".formatted(bytes));
  }

  @Override
  public void launch(long function, LaunchShape shape, MemorySegment arguments, long stream) {
    int status = calls.launchKernel(function, shape, arguments, stream);
    if (status != CUresult.CUDA_SUCCESS) {
      check(status, "cuLaunchKernel of " + shape);
    }
  }

  @Override
  public void beginCapture(long stream) {
    check(
        JCudaDriver.cuStreamBeginCapture(
            Required.in(streams, stream), CU_STREAM_CAPTURE_MODE_RELAXED),
        "cuStreamBeginCapture");
  }

  @Override
  public long endCapture(long stream) {
    CUgraph graph = new CUgraph();
    check(
        JCudaDriver.cuStreamEndCapture(Required.in(streams, stream), graph), "cuStreamEndCapture");
    Handles.GraphExec exec = new Handles.GraphExec();
    try {
      check(JCudaDriver.cuGraphInstantiate(exec, graph, 0), "cuGraphInstantiate");
    } finally {
      check(JCudaDriver.cuGraphDestroy(graph), "cuGraphDestroy");
    }
    graphs.put(exec.address(), exec);
    return exec.address();
  }

  @Override
  public void abandonCapture(long stream) {
    CUgraph graph = new CUgraph();
    if (JCudaDriver.cuStreamEndCapture(Required.in(streams, stream), graph)
        == CUresult.CUDA_SUCCESS) {
      check(JCudaDriver.cuGraphDestroy(graph), "cuGraphDestroy");
    }
  }

  @Override
  public void launchGraph(long graph, long stream) {
    check(calls.launchGraph(graph, stream), "cuGraphLaunch");
  }

  @Override
  public void destroyGraph(long graph) {
    Handles.GraphExec handle = Required.in(graphs, graph);
    graphs.remove(graph);
    check(JCudaDriver.cuGraphExecDestroy(handle), "cuGraphExecDestroy");
  }

  @Override
  public void close() {
    check(JCudaDriver.cuDevicePrimaryCtxRelease(device), "cuDevicePrimaryCtxRelease");
  }
}
