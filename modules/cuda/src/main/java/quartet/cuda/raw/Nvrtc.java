package quartet.cuda.raw;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Map;
import quartet.cuda.CudaErrorCode;
import quartet.errors.EngineException;

/**
 * NVIDIA's run-time compiler: CUDA C++ text to a cubin for one architecture. Source: nvrtc.h.
 *
 * <p>Thread: any.
 */
public final class Nvrtc {
  private final NativeLibrary library;
  private final MethodHandle version;
  private final MethodHandle createProgram;
  private final MethodHandle compileProgram;
  private final MethodHandle cubinSize;
  private final MethodHandle cubin;
  private final MethodHandle logSize;
  private final MethodHandle log;
  private final MethodHandle destroyProgram;

  private Nvrtc(NativeLibrary library) {
    this.library = library;
    version = library.function("nvrtcVersion", JAVA_INT, ADDRESS, ADDRESS);
    createProgram =
        library.function(
            "nvrtcCreateProgram", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    compileProgram = library.function("nvrtcCompileProgram", JAVA_INT, ADDRESS, JAVA_INT, ADDRESS);
    cubinSize = library.function("nvrtcGetCUBINSize", JAVA_INT, ADDRESS, ADDRESS);
    cubin = library.function("nvrtcGetCUBIN", JAVA_INT, ADDRESS, ADDRESS);
    logSize = library.function("nvrtcGetProgramLogSize", JAVA_INT, ADDRESS, ADDRESS);
    log = library.function("nvrtcGetProgramLog", JAVA_INT, ADDRESS, ADDRESS);
    destroyProgram = library.function("nvrtcDestroyProgram", JAVA_INT, ADDRESS);
  }

  /**
   * Loads the library.
   *
   * @throws EngineException if it is not installed
   */
  public static Nvrtc load() {
    return new Nvrtc(
        LibrarySearch.ofThisProcess()
            .load(LibrarySearch.NVRTC)
            .orElseThrow(
                () ->
                    Missing.library(
                        "libnvrtc.so.13 (or .12)",
                        "Install the CUDA toolkit's nvrtc package, or name its folder in QUARTET_CUDA_LIBRARIES.")));
  }

  /** Version as {@code 13.0}. */
  public String version() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment major = arena.allocate(JAVA_INT);
      MemorySegment minor = arena.allocate(JAVA_INT);
      check((int) version.invokeExact(major, minor), "nvrtcVersion");
      return major.get(JAVA_INT, 0) + "." + minor.get(JAVA_INT, 0);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  /** Where it was found. */
  public String path() {
    return library.path().toString();
  }

  /**
   * Compiles.
   *
   * @param name shown in messages
   * @param options as {@code --gpu-architecture=sm_90}
   * @return a cubin
   * @throws EngineException with the compiler's log if the text does not compile
   */
  public byte[] compile(String name, String text, List<String> options) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      check(
          (int)
              createProgram.invokeExact(
                  out,
                  arena.allocateFrom(text),
                  arena.allocateFrom(name),
                  0,
                  MemorySegment.NULL,
                  MemorySegment.NULL),
          "nvrtcCreateProgram");
      MemorySegment program = out.get(ADDRESS, 0);
      try {
        MemorySegment list = arena.allocate(ADDRESS, Math.max(1, options.size()));
        for (int i = 0; i < options.size(); i++) {
          list.setAtIndex(ADDRESS, i, arena.allocateFrom(options.get(i)));
        }
        int status = (int) compileProgram.invokeExact(program, options.size(), list);
        if (status != 0) {
          throw new EngineException(
              CudaErrorCode.CUDA_COMPILE_FAILED,
              "%s does not compile with NVRTC %s and %s:\n%s"
                  .formatted(name, version(), options, logOf(program, arena)),
              Map.of("kernel", name),
              null);
        }
        MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
        check((int) cubinSize.invokeExact(program, size), "nvrtcGetCUBINSize");
        MemorySegment image = arena.allocate(size.get(ValueLayout.JAVA_LONG, 0));
        check((int) cubin.invokeExact(program, image), "nvrtcGetCUBIN");
        return image.toArray(ValueLayout.JAVA_BYTE);
      } finally {
        check((int) destroyProgram.invokeExact(out), "nvrtcDestroyProgram");
      }
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  private String logOf(MemorySegment program, Arena arena) throws Throwable {
    MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
    check((int) logSize.invokeExact(program, size), "nvrtcGetProgramLogSize");
    MemorySegment text = arena.allocate(Math.max(1, size.get(ValueLayout.JAVA_LONG, 0)));
    check((int) log.invokeExact(program, text), "nvrtcGetProgramLog");
    return text.getString(0);
  }

  private static void check(int status, String call) {
    if (status != 0) {
      throw new EngineException(
          CudaErrorCode.CUDA_COMPILE_FAILED, "%s failed with %d.".formatted(call, status));
    }
  }
}
