package quartet.api.telemetry;

import java.time.Duration;

/** Keeps nothing. */
final class NoMeters implements Meters {
  @Override
  public void count(Figure figure, Labels labels, long amount) {}

  @Override
  public void time(Figure figure, Labels labels, Duration took) {}

  @Override
  public void now(Figure figure, Labels labels, double value) {}
}
