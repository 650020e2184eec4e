package quartet.cluster.simulate;

import org.jspecify.annotations.Nullable;

/**
 * A prompt that comes in.
 *
 * @param atSeconds from the beginning
 * @param model the checkpoint it uses
 * @param units what it asks of a device: seconds on one of speed 1
 * @param pinnedTo the only device it may run on, or null
 */
public record Arrival(
    double atSeconds,
    String promptId,
    String client,
    String model,
    double units,
    @Nullable Integer pinnedTo) {}
