package quartet.api.telemetry;

import java.util.Map;
import java.util.TreeMap;

/** A figure's labels. Values come from small sets: never ids of prompts or clients. */
public record Labels(Map<String, String> values) {
  /** No labels. */
  public static final Labels NONE = new Labels(Map.of());

  /** Copies the map. */
  public Labels {
    values = Map.copyOf(values);
  }

  /** The label every device's figure has. */
  public static Labels gpu(int gpuId) {
    return new Labels(Map.of("gpu", Integer.toString(gpuId)));
  }

  /** One more label. */
  public Labels and(String name, String value) {
    Map<String, String> more = new TreeMap<>(values);
    more.put(name, value);
    return new Labels(more);
  }
}
