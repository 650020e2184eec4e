package quartet.engine.sampling;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import quartet.engine.model.NoiseSchedule;
import quartet.errors.EngineException;

/** The schedulers by the names that workflows use. */
public final class Schedulers {
  private Schedulers() {}

  /** Names in the menu's order. */
  public static List<String> names() {
    return List.copyOf(all().keySet());
  }

  /**
   * Falling sigmas of a whole run, the last one 0.
   *
   * @param steps at least 1
   * @throws EngineException if there is no scheduler of that name
   */
  public static float[] sigmas(String name, NoiseSchedule schedule, int steps) {
    return named(name).sigmas(schedule, steps);
  }

  static Scheduler named(String name) {
    Scheduler scheduler = all().get(name);
    if (scheduler == null) {
      throw new EngineException(
          SamplingErrorCode.SCHEDULER_UNKNOWN,
          "There is no scheduler '%s'; known are %s.".formatted(name, String.join(", ", names())));
    }
    return scheduler;
  }

  private static Map<String, Scheduler> all() {
    Map<String, Scheduler> all = new LinkedHashMap<>();
    all.put("simple", new SimpleScheduler());
    all.put("sgm_uniform", new SgmUniformScheduler());
    all.put("karras", new KarrasScheduler());
    all.put("exponential", new ExponentialScheduler());
    all.put("ddim_uniform", new DdimUniformScheduler());
    all.put("beta", new BetaScheduler());
    all.put("normal", new NormalScheduler());
    all.put("linear_quadratic", new LinearQuadraticScheduler());
    all.put("kl_optimal", new KlOptimalScheduler());
    return all;
  }
}
