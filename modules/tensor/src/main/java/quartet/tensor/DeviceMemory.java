package quartet.tensor;

/**
 * A device's memory, in bytes.
 *
 * @param totalBytes what the device has
 * @param freeBytes what nobody uses
 * @param scopeBytes what open scopes hold
 * @param parameterBytes what parameters hold; shared ones are counted on each device
 */
public record DeviceMemory(long totalBytes, long freeBytes, long scopeBytes, long parameterBytes) {}
