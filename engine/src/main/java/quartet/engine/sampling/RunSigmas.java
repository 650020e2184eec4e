package quartet.engine.sampling;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.NoiseSchedule;

/**
 * The part of a schedule that one request walks: shortened by denoise, by a start and an end step,
 * and by samplers that skip the last but one sigma. Source: ComfyUI {@code KSampler.set_steps} and
 * {@code KSampler.sample} (behaviour).
 */
final class RunSigmas {
  /** Denoise above this is a whole run. */
  private static final double WHOLE = 0.9999;

  private RunSigmas() {}

  /**
   * The sigmas to walk; empty if nothing is to be done.
   *
   * @param dropPenultimate whether the sampler wants the last but one sigma left out
   */
  static float[] of(
      NoiseSchedule schedule,
      Scheduler scheduler,
      int steps,
      double denoise,
      boolean dropPenultimate) {
    if (denoise > WHOLE) {
      return whole(schedule, scheduler, steps, dropPenultimate);
    }
    if (denoise <= 0) {
      return new float[0];
    }
    float[] all = whole(schedule, scheduler, (int) (steps / denoise), dropPenultimate);
    return Arrays.copyOfRange(all, Math.max(0, all.length - (steps + 1)), all.length);
  }

  /**
   * The slice from a start step to an end step.
   *
   * @param leftoverNoise keep the last sigma of an early end instead of going on to 0
   */
  static float[] slice(
      float[] sigmas,
      @Nullable Integer startAtStep,
      @Nullable Integer endAtStep,
      boolean leftoverNoise) {
    float[] slice = sigmas;
    if (endAtStep != null && endAtStep < slice.length - 1) {
      slice = Arrays.copyOf(slice, Math.max(0, endAtStep) + 1);
      if (!leftoverNoise) {
        slice[slice.length - 1] = 0f;
      }
    }
    if (startAtStep != null) {
      if (startAtStep >= slice.length - 1) {
        return new float[0];
      }
      slice = Arrays.copyOfRange(slice, Math.max(0, startAtStep), slice.length);
    }
    return slice;
  }

  /**
   * Whether a sigma lies between two shares of the run. All of them lie after a start of 0, also
   * one that a scheduler's rounding has put above the largest.
   */
  static boolean within(NoiseSchedule schedule, float sigma, double start, double end) {
    return (start <= 0 || sigma <= (float) schedule.percentToSigma(start))
        && sigma >= (float) schedule.percentToSigma(end);
  }

  private static float[] whole(
      NoiseSchedule schedule, Scheduler scheduler, int steps, boolean dropPenultimate) {
    if (!dropPenultimate) {
      return scheduler.sigmas(schedule, steps);
    }
    float[] sigmas = scheduler.sigmas(schedule, steps + 1);
    float[] shorter = Arrays.copyOf(sigmas, sigmas.length - 1);
    shorter[shorter.length - 1] = sigmas[sigmas.length - 1];
    return shorter;
  }
}
