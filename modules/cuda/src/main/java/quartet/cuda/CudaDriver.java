package quartet.cuda;

import java.lang.foreign.MemorySegment;

/**
 * The driver as seen from one device: typed calls on raw handles, each of which throws {@link
 * quartet.errors.EngineException} with a {@link CudaFault}'s code. Ownership is the caller's; the
 * classes of this package give it a shape.
 *
 * <p>Handles and addresses are the driver's own pointers as longs. Copies and launches are queued
 * on a stream and return at once, unless said.
 *
 * <p>Thread: the device's, which {@link #bindThread} was called on; {@link #memory} from any thread
 * after that.
 */
public interface CudaDriver extends AutoCloseable {
  /** What the device is. */
  DeviceInfo info();

  /** Makes this device's context the calling thread's. */
  void bindThread();

  /**
   * Memory of the whole device, as the driver counts it for all processes.
   *
   * @param freeBytes nobody has
   */
  record Memory(long freeBytes, long totalBytes) {}

  /** The device's memory now. */
  Memory memory();

  /** Device memory, aligned to 256 bytes at least. */
  long allocate(long bytes);

  /** Returns device memory; waits for the work that uses it. */
  void free(long address);

  /** Page-locked host memory that this and other devices' copies reach directly. */
  MemorySegment allocatePinned(long bytes);

  /** Returns it. */
  void freePinned(MemorySegment memory);

  /**
   * Page-locks mapped memory for reading by devices.
   *
   * @return false where driver or kernel refuse it; copies then go through page-locked staging
   */
  boolean registerReadOnly(MemorySegment memory);

  /** Undoes it. */
  void unregister(MemorySegment memory);

  /** A queue of work. */
  long createStream();

  /** Frees it. */
  void destroyStream(long stream);

  /** Waits until the stream is empty. */
  void synchronize(long stream);

  /** Lets a stream wait for an event, without waiting here. */
  void waitEvent(long stream, long event);

  /** A mark in a stream. */
  long createEvent();

  /** Frees it. */
  void destroyEvent(long event);

  /** Puts the mark behind what the stream has. */
  void recordEvent(long event, long stream);

  /** Waits until the mark is reached. */
  void synchronizeEvent(long event);

  /** Whether the mark has been reached. */
  boolean eventReached(long event);

  /** Milliseconds between two reached marks. */
  float milliseconds(long startEvent, long endEvent);

  /** Host to device. The source must stay valid until the copy is done, if it is page-locked. */
  void copyToDevice(long target, MemorySegment source, long stream);

  /** Device to host. */
  void copyToHost(MemorySegment target, long source, long stream);

  /** Device to device. */
  void copyOnDevice(long target, long source, long bytes, long stream);

  /** Fills with a byte. */
  void fill(long target, byte value, long bytes, long stream);

  /** Loads a compiled image (cubin or PTX). */
  long loadModule(byte[] image);

  /** Unloads it. */
  void unloadModule(long module);

  /** A kernel of a module. */
  long function(long module, String name);

  /** Lets a kernel ask for that much dynamic shared memory. */
  void allowSharedBytes(long function, int bytes);

  /**
   * Queues a kernel.
   *
   * @param arguments an array of pointers to the arguments; read before this returns
   */
  void launch(long function, LaunchShape shape, MemorySegment arguments, long stream);

  /** From here on the stream's work is recorded instead of done. */
  void beginCapture(long stream);

  /** Ends the recording and makes it launchable. */
  long endCapture(long stream);

  /** Ends a recording that went wrong, whatever state it is in. */
  void abandonCapture(long stream);

  /** Queues a recording. */
  void launchGraph(long graph, long stream);

  /** Frees it. */
  void destroyGraph(long graph);

  /** Lets go of the device. */
  @Override
  void close();
}
