package quartet.cluster.gpu;

import quartet.cluster.job.PromptJob;
import quartet.engine.node.PreviewMethod;
import quartet.engine.value.ImageBatch;

/** Takes pictures of half-done work. Called on devices' threads, so both calls return at once. */
public interface PreviewSink {
  /** Takes none. */
  PreviewSink NONE =
      new PreviewSink() {
        @Override
        public PreviewMethod wanted(PromptJob job) {
          return PreviewMethod.NONE;
        }

        @Override
        public void offer(PromptJob job, String nodeId, ImageBatch picture) {}
      };

  /** How somebody would look, if at all; making a picture costs a download from the device. */
  PreviewMethod wanted(PromptJob job);

  /** A picture of the present state. */
  void offer(PromptJob job, String nodeId, ImageBatch picture);
}
