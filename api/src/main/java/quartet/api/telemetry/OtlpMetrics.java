package quartet.api.telemetry;

import java.net.URI;
import java.time.Duration;

/**
 * Where figures are sent over OTLP/HTTP, and how often.
 *
 * @param address the whole address, such as {@code http://127.0.0.1:4318/v1/metrics}
 * @param every from one sending to the next
 */
public record OtlpMetrics(URI address, Duration every) {}
