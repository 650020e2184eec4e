package quartet.api.telemetry;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * What is measured.
 *
 * @param metrics whether figures are kept and {@code /metrics} answers
 * @param otlpMetrics where figures are sent as well, or null for nowhere; needs {@code metrics}
 * @param traces where spans go, an OTLP address over HTTP such as {@code
 *     http://127.0.0.1:4318/v1/traces}; or null for none
 */
public record TelemetryOptions(
    boolean metrics, @Nullable OtlpMetrics otlpMetrics, @Nullable URI traces) {}
