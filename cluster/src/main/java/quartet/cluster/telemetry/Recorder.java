package quartet.cluster.telemetry;

import java.time.Duration;
import quartet.cluster.gpu.GpuReport;

/** Hears what happens, to measure it. It must return at once and never throw. */
public interface Recorder {
  /** Measures nothing. */
  Recorder NONE =
      new Recorder() {
        @Override
        public void report(GpuReport report) {}

        @Override
        public void journal(Duration took, boolean stored) {}
      };

  /** What a device has told, in the order in which it happened. Thread: the front actor's. */
  void report(GpuReport report);

  /**
   * An entry was written to the journal and flushed, or could not be. Thread: the journal's actor.
   *
   * @param took from the wish to the answer
   */
  void journal(Duration took, boolean stored);
}
