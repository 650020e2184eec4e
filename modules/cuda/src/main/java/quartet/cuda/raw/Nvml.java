package quartet.cuda.raw;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cuda.GpuReading;
import quartet.cuda.GpuSensors;
import quartet.errors.EngineException;

/**
 * NVIDIA's management library: the figures of nvidia-smi. It numbers the GPUs of the machine,
 * whatever CUDA_VISIBLE_DEVICES says; uuids tell which is which. Source: nvml.h of CUDA 12 and 13.
 *
 * <p>Thread: any.
 */
public final class Nvml implements GpuSensors {
  private static final Logger LOG = LoggerFactory.getLogger(Nvml.class);
  private static final int SUCCESS = 0; // NVML_SUCCESS
  private static final int TEXT_BYTES = 96; // NVML_DEVICE_UUID_V2_BUFFER_SIZE, the longest of all
  private static final int CHIP = 0; // NVML_TEMPERATURE_GPU
  private static final long XID = 8; // nvmlEventTypeXidCriticalError
  private static final long EVENT_BYTES = 32; // nvmlEventData_t: device, type, data, two instances
  private static final long EVENT_DATA = 16;
  private static final int MOST_EVENTS = 100; // of one look; the others wait for the next one

  private final MethodHandle shutdown;
  private final MethodHandle utilisation;
  private final MethodHandle power;
  private final MethodHandle temperature;
  private final MethodHandle wait;
  private final List<Gpu> gpus = new ArrayList<>();
  private final Map<Long, Map<Integer, Long>> faults = new HashMap<>();
  private final MemorySegment events;
  private final String driver;
  private boolean closed;

  private record Gpu(MemorySegment handle, String uuid, String name) {}

  private Nvml(NativeLibrary library) {
    shutdown = library.function("nvmlShutdown", JAVA_INT);
    utilisation = library.function("nvmlDeviceGetUtilizationRates", JAVA_INT, ADDRESS, ADDRESS);
    power = library.function("nvmlDeviceGetPowerUsage", JAVA_INT, ADDRESS, ADDRESS);
    temperature =
        library.function("nvmlDeviceGetTemperature", JAVA_INT, ADDRESS, JAVA_INT, ADDRESS);
    wait = library.function("nvmlEventSetWait_v2", JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
    try (Arena arena = Arena.ofConfined()) {
      check("nvmlInit_v2", (int) library.function("nvmlInit_v2", JAVA_INT).invokeExact());
      driver = driver(library, arena);
      events = events(library, arena);
      find(library, arena);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  /** Opens it; empty where it is not installed or finds no driver. */
  public static Optional<GpuSensors> open() {
    return open(LibrarySearch.ofThisProcess());
  }

  /** The same, looking there. */
  static Optional<GpuSensors> open(LibrarySearch search) {
    try {
      return search.load(LibrarySearch.NVML).map(Nvml::new);
    } catch (EngineException | IllegalStateException e) {
      LOG.warn("the GPUs' sensors cannot be read, so they are not shown: {}", e.getMessage());
      return Optional.empty();
    }
  }

  /** As {@code 580.65.06, CUDA 13.0}. */
  private static String driver(NativeLibrary library, Arena arena) throws Throwable {
    MethodHandle version =
        library.function("nvmlSystemGetDriverVersion", JAVA_INT, ADDRESS, JAVA_INT);
    MethodHandle cuda = library.function("nvmlSystemGetCudaDriverVersion_v2", JAVA_INT, ADDRESS);
    MemorySegment text = arena.allocate(TEXT_BYTES);
    MemorySegment number = arena.allocate(JAVA_INT); // 1000 times the major, ten times the minor
    boolean named = (int) version.invokeExact(text, TEXT_BYTES) == SUCCESS;
    boolean numbered = (int) cuda.invokeExact(number) == SUCCESS;
    int value = number.get(JAVA_INT, 0);
    return (named ? text.getString(0) : "unknown")
        + (numbered ? ", CUDA %d.%d".formatted(value / 1000, value % 1000 / 10) : "");
  }

  /** The set in which Xids are told; NULL where there can be none. */
  private static MemorySegment events(NativeLibrary library, Arena arena) throws Throwable {
    MethodHandle create = library.function("nvmlEventSetCreate", JAVA_INT, ADDRESS);
    MemorySegment out = arena.allocate(ADDRESS);
    return (int) create.invokeExact(out) == SUCCESS ? out.get(ADDRESS, 0) : MemorySegment.NULL;
  }

  private void find(NativeLibrary library, Arena arena) throws Throwable {
    MethodHandle count = library.function("nvmlDeviceGetCount_v2", JAVA_INT, ADDRESS);
    MethodHandle handle =
        library.function("nvmlDeviceGetHandleByIndex_v2", JAVA_INT, JAVA_INT, ADDRESS);
    MethodHandle uuid = library.function("nvmlDeviceGetUUID", JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
    MethodHandle name = library.function("nvmlDeviceGetName", JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
    MethodHandle register =
        library.function("nvmlDeviceRegisterEvents", JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS);
    MemorySegment number = arena.allocate(JAVA_INT);
    check("nvmlDeviceGetCount_v2", (int) count.invokeExact(number));
    for (int index = 0; index < number.get(JAVA_INT, 0); index++) {
      MemorySegment out = arena.allocate(ADDRESS);
      MemorySegment id = arena.allocate(TEXT_BYTES);
      MemorySegment model = arena.allocate(TEXT_BYTES);
      if ((int) handle.invokeExact(index, out) != SUCCESS
          || (int) uuid.invokeExact(out.get(ADDRESS, 0), id, TEXT_BYTES) != SUCCESS) {
        continue; // a card that has fallen off the bus: the others are still worth showing
      }
      MemorySegment device = out.get(ADDRESS, 0);
      boolean named = (int) name.invokeExact(device, model, TEXT_BYTES) == SUCCESS;
      boolean told =
          !events.equals(MemorySegment.NULL)
              && (int) register.invokeExact(device, XID, events) == SUCCESS;
      if (told) {
        faults.put(device.address(), new TreeMap<>());
      }
      gpus.add(
          new Gpu(
              device,
              id.getString(0).replaceFirst("^GPU-", ""),
              named ? model.getString(0) : "NVIDIA GPU"));
    }
  }

  private static void check(String call, int status) {
    if (status != SUCCESS) {
      throw new IllegalStateException(
          "%s failed with %d; `nvidia-smi` says more".formatted(call, status));
    }
  }

  @Override
  public synchronized List<GpuReading> read() {
    if (closed) {
      return List.of();
    }
    try (Arena arena = Arena.ofConfined()) {
      listen(arena);
      List<GpuReading> readings = new ArrayList<>();
      for (Gpu gpu : gpus) {
        readings.add(read(gpu, arena));
      }
      return readings;
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  private GpuReading read(Gpu gpu, Arena arena) throws Throwable {
    MemorySegment rates = arena.allocate(JAVA_INT, 2); // nvmlUtilization_t: of the GPU, of memory
    MemorySegment out = arena.allocate(JAVA_INT);
    Double busy =
        value((int) utilisation.invokeExact(gpu.handle(), rates), rates, 0.01); // per cent
    Double watts = value((int) power.invokeExact(gpu.handle(), out), out, 0.001); // milliwatts
    Double celsius = value((int) temperature.invokeExact(gpu.handle(), CHIP, out), out, 1);
    return new GpuReading(
        gpu.uuid(),
        gpu.name(),
        driver,
        busy,
        watts,
        celsius,
        faults.getOrDefault(gpu.handle().address(), Map.of()));
  }

  private static @Nullable Double value(int status, MemorySegment out, double unit) {
    return status == SUCCESS ? Integer.toUnsignedLong(out.get(JAVA_INT, 0)) * unit : null;
  }

  /** Takes what has been told since the last look; never waits. */
  private void listen(Arena arena) throws Throwable {
    if (faults.isEmpty()) {
      return;
    }
    MemorySegment event = arena.allocate(EVENT_BYTES, ADDRESS.byteAlignment());
    for (int i = 0; i < MOST_EVENTS; i++) {
      if ((int) wait.invokeExact(events, event, 0) != SUCCESS) {
        return; // NVML_ERROR_TIMEOUT: no more
      }
      Map<Integer, Long> told = faults.get(event.get(ADDRESS, 0).address());
      if (told != null) {
        told.merge((int) event.get(JAVA_LONG, EVENT_DATA), 1L, Long::sum);
      }
    }
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      int status = (int) shutdown.invokeExact();
      if (status != SUCCESS) {
        LOG.debug("nvmlShutdown failed with {}", status);
      }
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }
}
