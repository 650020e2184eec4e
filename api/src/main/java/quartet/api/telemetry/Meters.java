package quartet.api.telemetry;

import java.time.Duration;

/** Where figures go. Any thread; returns at once. */
public interface Meters {
  /** Adds to a counter; 0 makes it known. */
  void count(Figure figure, Labels labels, long amount);

  /** One more time of a distribution. */
  void time(Figure figure, Labels labels, Duration took);

  /** What a gauge is now. */
  void now(Figure figure, Labels labels, double value);
}
