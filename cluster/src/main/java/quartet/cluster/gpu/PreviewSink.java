package quartet.cluster.gpu;

import quartet.cluster.job.PromptJob;
import quartet.engine.value.ImageBatch;

/** Takes pictures of half-done work. Called on devices' threads, so both calls return at once. */
public interface PreviewSink {
  /** Takes none. */
  PreviewSink NONE =
      new PreviewSink() {
        @Override
        public boolean wanted(PromptJob job) {
          return false;
        }

        @Override
        public void offer(PromptJob job, String nodeId, ImageBatch picture) {}
      };

  /** Whether somebody would look; making a picture costs a download from the device. */
  boolean wanted(PromptJob job);

  /** A picture of the present state. */
  void offer(PromptJob job, String nodeId, ImageBatch picture);
}
