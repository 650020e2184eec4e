package quartet.cuda.raw;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import quartet.cuda.LaunchShape;

/**
 * The driver's calls that take raw addresses and those that are made often, straight through
 * java.lang.foreign. Each returns the driver's status.
 */
final class DriverCalls {
  private final MethodHandle launchKernel;
  private final MethodHandle copyToDevice;
  private final MethodHandle copyToHost;
  private final MethodHandle copyOnDevice;
  private final MethodHandle fill;
  private final MethodHandle allocate;
  private final MethodHandle free;
  private final MethodHandle hostAllocate;
  private final MethodHandle hostFree;
  private final MethodHandle register;
  private final MethodHandle unregister;
  private final MethodHandle launchGraph;

  DriverCalls(NativeLibrary driver) {
    launchKernel =
        driver.function(
            "cuLaunchKernel",
            JAVA_INT,
            JAVA_LONG,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_LONG,
            ADDRESS,
            ADDRESS);
    copyToDevice =
        driver.function("cuMemcpyHtoDAsync_v2", JAVA_INT, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG);
    copyToHost =
        driver.function("cuMemcpyDtoHAsync_v2", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    copyOnDevice =
        driver.function(
            "cuMemcpyDtoDAsync_v2", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    fill = driver.function("cuMemsetD8Async", JAVA_INT, JAVA_LONG, JAVA_BYTE, JAVA_LONG, JAVA_LONG);
    allocate = driver.function("cuMemAlloc_v2", JAVA_INT, ADDRESS, JAVA_LONG);
    free = driver.function("cuMemFree_v2", JAVA_INT, JAVA_LONG);
    hostAllocate = driver.function("cuMemHostAlloc", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    hostFree = driver.function("cuMemFreeHost", JAVA_INT, ADDRESS);
    register = driver.function("cuMemHostRegister_v2", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    unregister = driver.function("cuMemHostUnregister", JAVA_INT, ADDRESS);
    launchGraph = driver.function("cuGraphLaunch", JAVA_INT, JAVA_LONG, JAVA_LONG);
  }

  int launchKernel(long function, LaunchShape shape, MemorySegment arguments, long stream) {
    try {
      return (int)
          launchKernel.invokeExact(
              function,
              shape.gridX(),
              shape.gridY(),
              shape.gridZ(),
              shape.threads(),
              1,
              1,
              shape.sharedBytes(),
              stream,
              arguments,
              MemorySegment.NULL);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  int copyToDevice(long target, MemorySegment source, long stream) {
    try {
      return (int) copyToDevice.invokeExact(target, source, source.byteSize(), stream);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  int copyToHost(MemorySegment target, long source, long stream) {
    try {
      return (int) copyToHost.invokeExact(target, source, target.byteSize(), stream);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  int copyOnDevice(long target, long source, long bytes, long stream) {
    try {
      return (int) copyOnDevice.invokeExact(target, source, bytes, stream);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  int fill(long target, byte value, long bytes, long stream) {
    try {
      return (int) fill.invokeExact(target, value, bytes, stream);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  int allocate(MemorySegment out, long bytes) {
    try {
      return (int) allocate.invokeExact(out, bytes);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  int free(long address) {
    try {
      return (int) free.invokeExact(address);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  int hostAllocate(MemorySegment out, long bytes, int flags) {
    try {
      return (int) hostAllocate.invokeExact(out, bytes, flags);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  int hostFree(MemorySegment memory) {
    try {
      return (int) hostFree.invokeExact(memory);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  int register(MemorySegment memory, int flags) {
    try {
      return (int) register.invokeExact(memory, memory.byteSize(), flags);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  int unregister(MemorySegment memory) {
    try {
      return (int) unregister.invokeExact(memory);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  int launchGraph(long graph, long stream) {
    try {
      return (int) launchGraph.invokeExact(graph, stream);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }
}
