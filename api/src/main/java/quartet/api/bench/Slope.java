package quartet.api.bench;

import java.util.List;

/** The straight line through points that misses them least: does a figure grow? */
public final class Slope {
  private Slope() {}

  /** One point. */
  public record Point(double x, double y) {}

  /** The line's rise for each unit of x; 0 for fewer than two different x. */
  public static double of(List<Point> points) {
    double meanX = points.stream().mapToDouble(Point::x).average().orElse(0);
    double meanY = points.stream().mapToDouble(Point::y).average().orElse(0);
    double above = 0;
    double below = 0;
    for (Point point : points) {
      above += (point.x() - meanX) * (point.y() - meanY);
      below += (point.x() - meanX) * (point.x() - meanX);
    }
    return below == 0 ? 0 : above / below;
  }
}
