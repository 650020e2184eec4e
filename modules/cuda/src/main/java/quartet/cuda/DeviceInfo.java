package quartet.cuda;

/**
 * What a GPU is.
 *
 * @param ordinal CUDA's number for it in this process
 * @param uuid as nvidia-smi prints it, without {@code GPU-}
 * @param computeCapability ten times the major number plus the minor one, as 90
 * @param multiprocessors that it has
 * @param sharedBytesPerBlock shared memory that one block may ask for
 * @param l2Bytes of its second-level cache
 * @param totalBytes of its memory
 * @param driverVersion 1000 times the major number plus ten times the minor one, as 13000
 */
public record DeviceInfo(
    int ordinal,
    String name,
    String uuid,
    String pciBusId,
    int computeCapability,
    int multiprocessors,
    int sharedBytesPerBlock,
    int l2Bytes,
    long totalBytes,
    int driverVersion) {
  /** The name for compilers, as {@code sm_90}. */
  public String architecture() {
    return "sm_" + computeCapability;
  }
}
