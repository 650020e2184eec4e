package quartet.cuda;

/**
 * A block of device memory.
 *
 * <p>Owner: whoever allocated it. Thread: the device's.
 */
public final class DeviceBuffer implements AutoCloseable {
  private final CudaDriver driver;
  private final long address;
  private final long byteSize;
  private boolean freed;

  private DeviceBuffer(CudaDriver driver, long address, long byteSize) {
    this.driver = driver;
    this.address = address;
    this.byteSize = byteSize;
  }

  /**
   * Allocates.
   *
   * @throws quartet.errors.EngineException if the device has no such block
   */
  public static DeviceBuffer allocate(CudaDriver driver, long bytes) {
    return new DeviceBuffer(driver, driver.allocate(bytes), bytes);
  }

  /**
   * Where it is.
   *
   * @throws IllegalStateException if it was freed
   */
  public long address() {
    if (freed) {
      throw new IllegalStateException(this + " was freed");
    }
    return address;
  }

  /** How large it is. */
  public long byteSize() {
    return byteSize;
  }

  /** Frees it. Closing twice does nothing. */
  @Override
  public void close() {
    if (!freed) {
      freed = true;
      driver.free(address);
    }
  }

  @Override
  public String toString() {
    return "device memory %#x, %d bytes".formatted(address, byteSize);
  }
}
