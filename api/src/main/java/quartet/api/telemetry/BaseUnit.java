package quartet.api.telemetry;

import kamon.metric.MeasurementUnit;

/**
 * A Kamon unit as receivers want it: values in the base unit, and its UCUM code. Receivers for
 * Prometheus make name suffixes of the codes: {@code _seconds}, {@code _bytes}.
 *
 * @param from what values are in
 * @param to what they are sent in
 * @param code its UCUM code; empty for plain numbers, because {@code 1} would be a ratio
 */
record BaseUnit(MeasurementUnit from, MeasurementUnit to, String code) {
  /**
   * The base unit of a metric's.
   *
   * @param metric its name; units that Kamon does not know stand at its end
   */
  static BaseUnit of(String metric, MeasurementUnit unit) {
    String dimension = unit.dimension().name();
    MeasurementUnit seconds = MeasurementUnit.time().seconds();
    MeasurementUnit bytes = MeasurementUnit.information().bytes();
    if (dimension.equals(seconds.dimension().name())) {
      return new BaseUnit(unit, seconds, "s");
    }
    if (dimension.equals(bytes.dimension().name())) {
      return new BaseUnit(unit, bytes, "By");
    }
    return new BaseUnit(
        unit,
        unit,
        switch (metric.substring(metric.lastIndexOf('.') + 1)) {
          case "watts" -> "W";
          case "celsius" -> "Cel";
          case "ratio" -> "1";
          default -> "";
        });
  }

  double value(double raw) {
    return from.equals(to) ? raw : MeasurementUnit.convert(raw, from, to);
  }
}
