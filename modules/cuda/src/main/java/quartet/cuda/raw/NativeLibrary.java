package quartet.cuda.raw;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Map;
import quartet.cuda.CudaErrorCode;
import quartet.errors.EngineException;

/**
 * A loaded library and its functions. It stays loaded until the process ends, as CUDA's libraries
 * keep threads and state of their own.
 *
 * @param soname as {@code libcudnn.so.9}
 * @param path where it was found, or the soname alone if the loader found it
 */
record NativeLibrary(String soname, Path path, SymbolLookup symbols) {
  /** Loads a file, or by name through the loader's own path. */
  @SuppressWarnings("restricted") // native calls are this package's purpose
  static NativeLibrary load(String soname, Path path) {
    // The loader's handle lives as long as the process.
    return new NativeLibrary(
        soname, path, SymbolLookup.libraryLookup(path.toString(), Arena.global()));
  }

  /**
   * A function.
   *
   * @throws EngineException if the library has none of that name
   */
  @SuppressWarnings("restricted") // native calls are this package's purpose
  MethodHandle function(String name, MemoryLayout result, MemoryLayout... parameters) {
    return Linker.nativeLinker()
        .downcallHandle(symbol(name), FunctionDescriptor.of(result, parameters));
  }

  /**
   * A function that returns nothing.
   *
   * @throws EngineException if the library has none of that name
   */
  @SuppressWarnings("restricted") // native calls are this package's purpose
  MethodHandle procedure(String name, MemoryLayout... parameters) {
    return Linker.nativeLinker()
        .downcallHandle(symbol(name), FunctionDescriptor.ofVoid(parameters));
  }

  private MemorySegment symbol(String name) {
    return symbols
        .find(name)
        .orElseThrow(
            () ->
                new EngineException(
                    CudaErrorCode.CUDA_LIBRARY_MISSING,
                    "%s (%s) has no function %s: it is of another version than 12 or 13 of CUDA and 9 of cuDNN."
                        .formatted(soname, path, name),
                    Map.of("library", soname, "function", name),
                    null));
  }
}
