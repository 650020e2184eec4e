package quartet.engine.sampling;

import java.util.function.Supplier;
import quartet.engine.value.LatentBatch;

/** Told of each step. */
@FunctionalInterface
public interface SamplingListener {
  /** Listens to nothing. */
  SamplingListener NONE = (step, total, denoisedPreview) -> {};

  /**
   * A step's prediction is known.
   *
   * @param step from 1 to {@code total}
   * @param denoisedPreview the clean latent as the model sees it now; costs a download, and may be
   *     asked during this call only
   */
  void onStep(int step, int total, Supplier<LatentBatch> denoisedPreview);
}
