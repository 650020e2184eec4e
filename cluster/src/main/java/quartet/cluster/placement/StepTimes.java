package quartet.cluster.placement;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How long work takes, learned from prompts that ended: seconds for each pixel-step and seconds to
 * load, by device and checkpoints. What was not seen yet is taken from the same checkpoints
 * elsewhere, then from the device, then from everything.
 *
 * <p>Moving averages: a value is worth half after about two further ones, so a device that slows
 * down is noticed within a handful of prompts.
 */
public final class StepTimes {
  private static final double WEIGHT = 0.3;

  /** A guess for the very first prompt, and for prompts without samplings. */
  static final double DEFAULT_SECONDS = 1.0;

  private static final double DEFAULT_LOAD_SECONDS = 1.0;

  private record Key(int gpuId, String models) {}

  private final Map<Key, Double> perUnit = new HashMap<>();
  private final Map<Key, Double> whole = new HashMap<>();
  private final Map<Key, Double> load = new HashMap<>();

  /**
   * Learns from an end.
   *
   * @param units pixel-steps that were not cached
   * @param resident whether the checkpoints were there when it began
   * @param seconds from start to end
   */
  public void learn(int gpuId, PromptWork work, double units, boolean resident, double seconds) {
    Key key = new Key(gpuId, work.models());
    if (!resident) {
      Double unit = units > 0 ? perUnit.get(key) : whole.get(key);
      if (unit != null) {
        average(load, key, Math.max(0, seconds - unit * (units > 0 ? units : 1)));
        return;
      }
    }
    // The first one of a model contains its loading: a pessimistic start, soon averaged away.
    if (units > 0) {
      average(perUnit, key, seconds / units);
    } else {
      average(whole, key, seconds);
    }
  }

  private static void average(Map<Key, Double> map, Key key, double value) {
    map.merge(key, value, (old, now) -> old + WEIGHT * (now - old));
  }

  /** Seconds of computing. */
  public double seconds(int gpuId, PromptWork work, double units) {
    if (units > 0) {
      Double unit = nearest(perUnit, gpuId, work);
      return unit == null ? DEFAULT_SECONDS : unit * units;
    }
    Double all = nearest(whole, gpuId, work);
    return all == null ? DEFAULT_SECONDS : all;
  }

  /** Seconds to bring the checkpoints onto the device. */
  public double loadSeconds(int gpuId, PromptWork work) {
    if (work.checkpoints().isEmpty()) {
      return 0;
    }
    Double known = nearest(load, gpuId, work);
    return known == null ? DEFAULT_LOAD_SECONDS : known;
  }

  /** Seconds for each pixel-step that were learned on a device, by its prompts' checkpoints. */
  public Map<String, Double> perUnit(int gpuId) {
    Map<String, Double> known = new HashMap<>();
    perUnit.forEach(
        (key, value) -> {
          if (key.gpuId() == gpuId) {
            known.put(key.models(), value);
          }
        });
    return known;
  }

  private static @Nullable Double nearest(Map<Key, Double> map, int gpuId, PromptWork work) {
    Key exact = new Key(gpuId, work.models());
    Double known = map.get(exact);
    if (known != null) {
      return known;
    }
    Mean models = new Mean();
    Mean device = new Mean();
    Mean all = new Mean();
    map.forEach(
        (key, value) -> {
          all.add(value);
          if (key.models().equals(exact.models())) {
            models.add(value);
          }
          if (key.gpuId() == gpuId) {
            device.add(value);
          }
        });
    return models.count > 0 ? models.get() : device.count > 0 ? device.get() : all.get();
  }

  private static final class Mean {
    private double sum;
    private int count;

    void add(double value) {
      sum += value;
      count++;
    }

    @Nullable Double get() {
      return count == 0 ? null : sum / count;
    }
  }
}
