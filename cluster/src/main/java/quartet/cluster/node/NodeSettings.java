package quartet.cluster.node;

import java.util.function.ToLongFunction;
import quartet.cluster.telemetry.Recorder;

/**
 * How a server queues and keeps prompts.
 *
 * @param queueCapacity open prompts for each device, the running one included
 * @param retention how long ended prompts are kept
 * @param modelBytes size of a checkpoint by its name; 0 if it is not known. Answers at once
 * @param lastResort ends the process when a device is lost to it, once everything is stored
 * @param recorder hears what devices tell
 */
public record NodeSettings(
    int queueCapacity,
    Retention retention,
    ToLongFunction<String> modelBytes,
    Runnable lastResort,
    Recorder recorder) {}
