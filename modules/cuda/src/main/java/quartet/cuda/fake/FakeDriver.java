package quartet.cuda.fake;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import quartet.cuda.CudaDriver;
import quartet.cuda.CudaStatus;
import quartet.cuda.DeviceInfo;
import quartet.cuda.LaunchShape;

/**
 * Device memory is host memory here, so copies really copy; kernels are only counted. Misuse (a
 * second free, a copy beyond a block, an unknown handle) fails as the real driver's does.
 *
 * <p>Work is done when it is queued, or after {@link #runApart} some time later, stream by stream.
 */
public final class FakeDriver implements CudaDriver {
  private static final int OUT_OF_MEMORY = 2;
  private static final int INVALID_VALUE = 1;
  private static final int INVALID_HANDLE = 400;
  private static final int ILLEGAL_ADDRESS = 700;
  private static final long FIRST_ADDRESS = 0x7f00_0000_0000L;
  private static final long ALIGNMENT = 512;

  private final Arena arena = Arena.ofShared();
  private final long capacity;
  private final TreeMap<Long, MemorySegment> blocks = new TreeMap<>();
  private final Map<Long, MemorySegment> pinned = new HashMap<>();
  private final Set<Long> registered = new HashSet<>();
  private final Set<Long> handles = new HashSet<>();
  private final List<String> launched = new ArrayList<>();
  private final Map<Long, String> functions = new HashMap<>();
  private long nextAddress = FIRST_ADDRESS;
  private long nextHandle = 1;
  private long used;
  private int allocations;
  private int failAllocation = -1;
  private boolean poisoned;
  private boolean refusesRegistration;
  private boolean capturing;
  private final TreeMap<Long, Deque<Queued>> queues = new TreeMap<>();
  private final Map<Long, Long> recorded = new HashMap<>();
  private final Map<Long, Long> reached = new HashMap<>();
  private @Nullable Random order;

  /** Work of a stream that may run once the event was reached that often. */
  private record Queued(long event, long times, Runnable work) {}

  /** A device of that many bytes. */
  public FakeDriver(long capacity) {
    this.capacity = capacity;
  }

  /** The n-th allocation from now on, counted from 0, fails. */
  public void failAllocation(int n) {
    failAllocation = allocations + n;
  }

  /** From now on everything fails, as after an illegal address. */
  public void poison() {
    poisoned = true;
  }

  /** From now on mapped memory cannot be registered. */
  public void refuseRegistration() {
    refusesRegistration = true;
  }

  /**
   * From now on copies and fills of different streams run in an order drawn from the seed, as far
   * as events allow it.
   */
  public void runApart(long seed) {
    order = new Random(seed);
  }

  private void queue(long stream, Runnable work) {
    queue(stream, 0, 0, work);
  }

  private void queue(long stream, long event, long times, Runnable work) {
    if (order == null) {
      work.run();
      return;
    }
    queues.computeIfAbsent(stream, any -> new ArrayDeque<>()).add(new Queued(event, times, work));
    while (order.nextInt(3) == 0 && runOne(order)) {}
  }

  /** Runs the next piece of some stream that waits for nothing; false if there is none. */
  private boolean runOne(Random random) {
    List<Deque<Queued>> ready =
        queues.values().stream()
            .filter(
                queue ->
                    !queue.isEmpty()
                        && reached.getOrDefault(queue.element().event(), 0L)
                            >= queue.element().times())
            .toList();
    if (ready.isEmpty()) {
      return false;
    }
    ready.get(random.nextInt(ready.size())).remove().work().run();
    return true;
  }

  private void runAll() {
    while (order != null && runOne(order)) {}
    queues.forEach(
        (stream, queue) -> {
          if (!queue.isEmpty()) {
            throw new IllegalStateException("stream %d waits for ever".formatted(stream));
          }
        });
  }

  /** Blocks that nobody has freed. */
  public int liveBlocks() {
    return blocks.size() + pinned.size();
  }

  /** Streams, events, modules and graphs that nobody has freed. */
  public int liveHandles() {
    return handles.size();
  }

  /** Names of the kernels launched so far. */
  public List<String> launched() {
    return List.copyOf(launched);
  }

  private void alive(String call) {
    if (poisoned) {
      CudaStatus.check(ILLEGAL_ADDRESS, call, "CUDA_ERROR_ILLEGAL_ADDRESS");
    }
  }

  private static void refuse(int status, String call) {
    CudaStatus.check(status, call, "fake");
  }

  private long handle() {
    handles.add(nextHandle);
    return nextHandle++;
  }

  private void drop(long handle, String call) {
    if (!handles.remove(handle)) {
      refuse(INVALID_HANDLE, call);
    }
  }

  private void known(long handle, String call) {
    alive(call);
    if (!handles.contains(handle)) {
      refuse(INVALID_HANDLE, call);
    }
  }

  private MemorySegment at(long address, long bytes, String call) {
    alive(call);
    Map.Entry<Long, MemorySegment> block = blocks.floorEntry(address);
    if (block == null || address - block.getKey() + bytes > block.getValue().byteSize()) {
      poisoned = true;
      refuse(ILLEGAL_ADDRESS, call);
      throw new IllegalStateException("not reached");
    }
    return block.getValue().asSlice(address - block.getKey(), bytes);
  }

  @Override
  public DeviceInfo info() {
    return new DeviceInfo(
        0, "Fake", "0", "0000:00:00.0", 90, 132, 232_448, 50_000_000, capacity, 13_000);
  }

  @Override
  public void bindThread() {
    alive("cuCtxSetCurrent");
  }

  @Override
  public Memory memory() {
    return new Memory(capacity - used, capacity);
  }

  @Override
  public long allocate(long bytes) {
    alive("cuMemAlloc");
    if (bytes <= 0) {
      refuse(INVALID_VALUE, "cuMemAlloc of " + bytes);
    }
    if (allocations++ == failAllocation || used + bytes > capacity) {
      refuse(OUT_OF_MEMORY, "cuMemAlloc of %d bytes".formatted(bytes));
    }
    long address = nextAddress;
    nextAddress += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + ALIGNMENT;
    blocks.put(address, arena.allocate(bytes, 16));
    used += bytes;
    return address;
  }

  @Override
  public void free(long address) {
    alive("cuMemFree");
    runAll();
    MemorySegment block = blocks.remove(address);
    if (block == null) {
      refuse(INVALID_VALUE, "cuMemFree of %#x".formatted(address));
    } else {
      used -= block.byteSize();
    }
  }

  @Override
  public MemorySegment allocatePinned(long bytes) {
    alive("cuMemHostAlloc");
    MemorySegment memory = arena.allocate(bytes, 64);
    pinned.put(memory.address(), memory);
    return memory;
  }

  @Override
  public void freePinned(MemorySegment memory) {
    if (pinned.remove(memory.address()) == null) {
      refuse(INVALID_VALUE, "cuMemFreeHost");
    }
  }

  @Override
  public boolean registerReadOnly(MemorySegment memory) {
    return !refusesRegistration && registered.add(memory.address());
  }

  @Override
  public void unregister(MemorySegment memory) {
    if (!registered.remove(memory.address())) {
      refuse(INVALID_VALUE, "cuMemHostUnregister");
    }
  }

  @Override
  public long createStream() {
    alive("cuStreamCreate");
    return handle();
  }

  @Override
  public void destroyStream(long stream) {
    drop(stream, "cuStreamDestroy");
  }

  @Override
  public void synchronize(long stream) {
    known(stream, "cuStreamSynchronize");
    runAll();
  }

  @Override
  public void waitEvent(long stream, long event) {
    known(stream, "cuStreamWaitEvent");
    known(event, "cuStreamWaitEvent");
    queue(stream, event, recorded.getOrDefault(event, 0L), () -> {});
  }

  @Override
  public long createEvent() {
    alive("cuEventCreate");
    return handle();
  }

  @Override
  public void destroyEvent(long event) {
    drop(event, "cuEventDestroy");
  }

  @Override
  public void recordEvent(long event, long stream) {
    known(event, "cuEventRecord");
    known(stream, "cuEventRecord");
    long times = recorded.merge(event, 1L, Long::sum);
    queue(stream, () -> reached.put(event, times));
  }

  @Override
  public void synchronizeEvent(long event) {
    known(event, "cuEventSynchronize");
    runAll();
  }

  @Override
  public boolean eventReached(long event) {
    known(event, "cuEventQuery");
    return reached.getOrDefault(event, 0L) >= recorded.getOrDefault(event, 0L);
  }

  @Override
  public float milliseconds(long startEvent, long endEvent) {
    known(startEvent, "cuEventElapsedTime");
    known(endEvent, "cuEventElapsedTime");
    return 1f;
  }

  @Override
  public void copyToDevice(long target, MemorySegment source, long stream) {
    known(stream, "cuMemcpyHtoDAsync");
    MemorySegment to = at(target, source.byteSize(), "cuMemcpyHtoDAsync");
    queue(stream, () -> to.copyFrom(source));
  }

  @Override
  public void copyToHost(MemorySegment target, long source, long stream) {
    known(stream, "cuMemcpyDtoHAsync");
    MemorySegment from = at(source, target.byteSize(), "cuMemcpyDtoHAsync");
    queue(stream, () -> target.copyFrom(from));
  }

  @Override
  public void copyOnDevice(long target, long source, long bytes, long stream) {
    known(stream, "cuMemcpyDtoDAsync");
    MemorySegment to = at(target, bytes, "cuMemcpyDtoDAsync");
    MemorySegment from = at(source, bytes, "cuMemcpyDtoDAsync");
    queue(stream, () -> to.copyFrom(from));
  }

  @Override
  public void fill(long target, byte value, long bytes, long stream) {
    known(stream, "cuMemsetD8Async");
    MemorySegment to = at(target, bytes, "cuMemsetD8Async");
    queue(stream, () -> to.fill(value));
  }

  @Override
  public long loadModule(byte[] image) {
    alive("cuModuleLoadData");
    return handle();
  }

  @Override
  public void unloadModule(long module) {
    drop(module, "cuModuleUnload");
  }

  @Override
  public long function(long module, String name) {
    known(module, "cuModuleGetFunction");
    long function = nextHandle++;
    functions.put(function, name);
    return function;
  }

  @Override
  public void allowSharedBytes(long function, int bytes) {
    alive("cuFuncSetAttribute");
  }

  @Override
  public void launch(long function, LaunchShape shape, MemorySegment arguments, long stream) {
    known(stream, "cuLaunchKernel");
    String name = functions.get(function);
    if (name == null) {
      refuse(INVALID_HANDLE, "cuLaunchKernel");
    } else if (arguments.get(ValueLayout.JAVA_LONG, 0) == 0) {
      refuse(INVALID_VALUE, "cuLaunchKernel of " + name);
    } else {
      launched.add(name);
    }
  }

  @Override
  public void beginCapture(long stream) {
    known(stream, "cuStreamBeginCapture");
    capturing = true;
  }

  @Override
  public long endCapture(long stream) {
    known(stream, "cuStreamEndCapture");
    if (!capturing) {
      refuse(INVALID_VALUE, "cuStreamEndCapture");
    }
    capturing = false;
    return handle();
  }

  @Override
  public void abandonCapture(long stream) {
    capturing = false;
  }

  @Override
  public void launchGraph(long graph, long stream) {
    known(graph, "cuGraphLaunch");
    known(stream, "cuGraphLaunch");
  }

  @Override
  public void destroyGraph(long graph) {
    drop(graph, "cuGraphExecDestroy");
  }

  @Override
  public void close() {
    arena.close();
  }
}
