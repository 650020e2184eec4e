package quartet.cuda.raw;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import quartet.cuda.CudaStatus;

/**
 * cuDNN 9's handle and the calls of its graph interface. Source: cudnn_graph.h.
 *
 * <p>Owner: of the handle. Thread: the device's, with the context bound.
 */
public final class Cudnn implements AutoCloseable {
  private static final int MESSAGE_BYTES = 512;

  private final NativeLibrary library;
  private final MemorySegment handle;
  private final MethodHandle getVersion;
  private final MethodHandle destroyHandle;
  private final MethodHandle setStream;
  private final MethodHandle create;
  private final MethodHandle destroy;
  private final MethodHandle set;
  private final MethodHandle get;
  private final MethodHandle finalizeDescriptor;
  private final MethodHandle execute;
  private final MethodHandle lastError;

  private Cudnn(NativeLibrary library) {
    this.library = library;
    getVersion = library.function("cudnnGetVersion", JAVA_LONG);
    MethodHandle createHandle = library.function("cudnnCreate", JAVA_INT, ADDRESS);
    destroyHandle = library.function("cudnnDestroy", JAVA_INT, ADDRESS);
    setStream = library.function("cudnnSetStream", JAVA_INT, ADDRESS, JAVA_LONG);
    create = library.function("cudnnBackendCreateDescriptor", JAVA_INT, JAVA_INT, ADDRESS);
    destroy = library.function("cudnnBackendDestroyDescriptor", JAVA_INT, ADDRESS);
    set =
        library.function(
            "cudnnBackendSetAttribute", JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
    get =
        library.function(
            "cudnnBackendGetAttribute",
            JAVA_INT,
            ADDRESS,
            JAVA_INT,
            JAVA_INT,
            JAVA_LONG,
            ADDRESS,
            ADDRESS);
    finalizeDescriptor = library.function("cudnnBackendFinalize", JAVA_INT, ADDRESS);
    execute = library.function("cudnnBackendExecute", JAVA_INT, ADDRESS, ADDRESS, ADDRESS);
    lastError = library.procedure("cudnnGetLastErrorString", ADDRESS, JAVA_LONG);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      check((int) createHandle.invokeExact(out), "cudnnCreate");
      handle = out.get(ADDRESS, 0);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  /**
   * Loads the library and makes a handle on the thread's device.
   *
   * @throws quartet.errors.EngineException if it is not installed
   */
  public static Cudnn load() {
    return new Cudnn(
        LibrarySearch.ofThisProcess()
            .load(LibrarySearch.CUDNN)
            .orElseThrow(
                () ->
                    Missing.library(
                        "libcudnn.so.9",
                        "Install cuDNN 9 for your CUDA version, or name its folder in QUARTET_CUDA_LIBRARIES.")));
  }

  /** Version as {@code 9.19.0}: 10000 times the major number plus 100 times the minor one. */
  public String version() {
    try {
      long number = (long) getVersion.invokeExact();
      return "%d.%d.%d".formatted(number / 10_000, number / 100 % 100, number % 100);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  /** Where it was found. */
  public String path() {
    return library.path().toString();
  }

  /** Queues what is executed from now on behind a stream's work. */
  public void useStream(long stream) {
    try {
      check((int) setStream.invokeExact(handle, stream), "cudnnSetStream");
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  MemorySegment handle() {
    return handle;
  }

  MemorySegment create(int type) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      check((int) create.invokeExact(type, out), "cudnnBackendCreateDescriptor(" + type + ")");
      return out.get(ADDRESS, 0);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  void destroy(MemorySegment descriptor) {
    try {
      check((int) destroy.invokeExact(descriptor), "cudnnBackendDestroyDescriptor");
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  void set(MemorySegment descriptor, int attribute, int type, long count, MemorySegment values) {
    try {
      check(
          (int) set.invokeExact(descriptor, attribute, type, count, values),
          "cudnnBackendSetAttribute(" + attribute + ")");
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  /** Reads an attribute and returns how many values there were; -1 if it is refused. */
  long get(MemorySegment descriptor, int attribute, int type, long room, MemorySegment values) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_LONG);
      int status = (int) get.invokeExact(descriptor, attribute, type, room, count, values);
      return status == 0 ? count.get(JAVA_LONG, 0) : -1;
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  /** Completes a descriptor; false if the library says that it cannot do this. */
  boolean tryFinalize(MemorySegment descriptor) {
    try {
      return (int) finalizeDescriptor.invokeExact(descriptor) == 0;
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  void finalizeOrThrow(MemorySegment descriptor, String what) {
    try {
      check((int) finalizeDescriptor.invokeExact(descriptor), "cudnnBackendFinalize of " + what);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  void execute(MemorySegment plan, MemorySegment variantPack) {
    try {
      int status = (int) execute.invokeExact(handle, plan, variantPack);
      if (status != 0) {
        check(status, "cudnnBackendExecute");
      }
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  private void check(int status, String call) {
    if (status != 0) {
      throw CudaStatus.failure(CudaStatus.cudnn(status), status, call, reason());
    }
  }

  private String reason() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(MESSAGE_BYTES);
      lastError.invokeExact(text, (long) MESSAGE_BYTES);
      return text.getString(0);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  @Override
  public void close() {
    try {
      check((int) destroyHandle.invokeExact(handle), "cudnnDestroy");
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }
}
