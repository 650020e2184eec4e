package quartet.engine.sampling;

import java.util.Map;
import quartet.engine.model.NoiseProcess;
import quartet.errors.EngineException;

/** What cannot be asked of a model that is sampled as a rectified flow. */
final class FlowRequests {
  /** Sigmas of a scheduler's rounding above 1 pass. */
  private static final float HIGHEST = 1.001f;

  private FlowRequests() {}

  /**
   * Passes what a flow can do.
   *
   * @throws EngineException if a sigma is none of a flow, or the last leaves no signal
   */
  static void check(float[] sigmas) {
    for (float sigma : sigmas) {
      if (!(sigma >= 0f && sigma <= HIGHEST)) {
        throw invalid(
            "The noise level %s is none of a rectified flow's, which go from 1 to 0: the sigmas were made for another kind of model. Take them from a scheduler that is given this model, such as BasicScheduler."
                .formatted(sigma),
            sigma);
      }
    }
    float last = sigmas[sigmas.length - 1];
    if (NoiseProcess.FLOW.signal(last) <= 0f) {
      throw invalid(
          "The noise levels end at %s, where a rectified flow's latent is nothing but noise and holds no picture. End at a lower one."
              .formatted(last),
          last);
    }
  }

  private static EngineException invalid(String message, float sigma) {
    return new EngineException(
        SamplingErrorCode.SAMPLING_REQUEST_INVALID,
        message,
        Map.of("sigma", Float.toString(sigma)),
        null);
  }
}
