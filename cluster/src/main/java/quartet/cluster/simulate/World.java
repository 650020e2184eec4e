package quartet.cluster.simulate;

import java.util.List;

/**
 * How the pretended servers are.
 *
 * @param servers how many
 * @param speeds of the devices of each server, by device; 1 is the reference
 * @param loadSeconds to bring a model onto a device
 * @param maxResident models that a device holds
 * @param tailSeconds mean of what is left of a prompt when its device is free again, 0 for nothing
 * @param noise relative scatter of durations, 0 for none
 * @param crashEvery mean seconds between crashes of a server, 0 for none
 * @param deviceFailsEvery mean seconds between failures of a device, 0 for none
 * @param slowEvery mean seconds until a device becomes five times slower for a while, 0 for never
 * @param meddleEvery mean seconds between an operator's changes (pause, move, cancel, reorder), 0
 *     for none
 * @param downSeconds how long a crashed server or failed device is away, on average
 */
public record World(
    int servers,
    List<Double> speeds,
    double loadSeconds,
    int maxResident,
    double tailSeconds,
    double noise,
    double crashEvery,
    double deviceFailsEvery,
    double slowEvery,
    double meddleEvery,
    double downSeconds) {
  /** Copies the list. */
  public World {
    speeds = List.copyOf(speeds);
    if (servers < 1 || speeds.isEmpty()) {
      throw new IllegalArgumentException(
          "a world has at least one server with one device, not %d with %d"
              .formatted(servers, speeds.size()));
    }
  }

  /** Servers on which nothing goes wrong. */
  public static World calm(int servers, List<Double> speeds, double loadSeconds, int maxResident) {
    return new World(servers, speeds, loadSeconds, maxResident, 0, 0.05, 0, 0, 0, 0, 1);
  }
}
