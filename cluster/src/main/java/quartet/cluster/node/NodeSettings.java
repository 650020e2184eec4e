package quartet.cluster.node;

import java.nio.file.Path;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.Owner;
import quartet.cluster.telemetry.Recorder;

/**
 * How a server queues and keeps prompts.
 *
 * @param queueCapacity open prompts for each device, the running one included
 * @param retention how long ended prompts are kept
 * @param modelBytes size of a checkpoint by its name; 0 if it is not known. Answers at once
 * @param lastResort ends the process when a device is lost to it, once everything is stored
 * @param recorder hears what devices tell
 * @param self whose prompts it runs, where others use the same journal; null for a server alone
 * @param output where pictures go, for those of split batches
 * @param filesOn the name under which other servers find the pictures that are made here; null
 *     where all see the same folders
 */
public record NodeSettings(
    int queueCapacity,
    Retention retention,
    ToLongFunction<String> modelBytes,
    Runnable lastResort,
    Recorder recorder,
    Path output,
    @Nullable Owner self,
    @Nullable String filesOn) {
  /** A server that is alone. */
  public NodeSettings(
      int queueCapacity,
      Retention retention,
      ToLongFunction<String> modelBytes,
      Runnable lastResort,
      Recorder recorder) {
    this(queueCapacity, retention, modelBytes, lastResort, recorder, Path.of("."), null, null);
  }
}
