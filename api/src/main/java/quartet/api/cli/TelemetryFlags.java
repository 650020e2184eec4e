package quartet.api.cli;

import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.serve.ServeError;
import quartet.api.telemetry.OtlpMetrics;
import quartet.api.telemetry.TelemetryOptions;
import quartet.errors.EngineException;

/** What is measured, and where it goes. */
final class TelemetryFlags {
  @CommandLine.Option(
      names = "--no-metrics",
      description = "Keeps no figures; /metrics does not answer.")
  private boolean noMetrics;

  @CommandLine.Option(
      names = "--otlp-metrics",
      paramLabel = "URL",
      description =
          "Sends the figures of /metrics to an OpenTelemetry receiver too, over OTLP/HTTP, for"
              + " example http://127.0.0.1:4318/v1/metrics (default: none).")
  private @Nullable URI otlpMetrics;

  @CommandLine.Option(
      names = "--otlp-metrics-interval",
      paramLabel = "SECONDS",
      defaultValue = "10",
      description = "From one sending of --otlp-metrics to the next (default: ${DEFAULT-VALUE}).")
  private int interval;

  @CommandLine.Option(
      names = "--traces",
      paramLabel = "URL",
      description =
          "Sends a span tree for each prompt to an OpenTelemetry collector, over OTLP/HTTP, for"
              + " example http://127.0.0.1:4318/v1/traces (default: none).")
  private @Nullable URI traces;

  /**
   * What was chosen.
   *
   * @throws EngineException if flags make no sense
   */
  TelemetryOptions options() {
    if (traces != null) {
      check("--traces", traces, "collectors take traces at /v1/traces");
    }
    return new TelemetryOptions(!noMetrics, otlpMetrics(), traces);
  }

  private @Nullable OtlpMetrics otlpMetrics() {
    if (otlpMetrics == null) {
      return null;
    }
    if (noMetrics) {
      throw bad("--otlp-metrics sends the figures that --no-metrics does not keep; leave one out");
    }
    check(
        "--otlp-metrics",
        otlpMetrics,
        "collectors take metrics at /v1/metrics, Prometheus at /api/v1/otlp/v1/metrics");
    // Figures are at most two seconds old: nothing is gained by sending them more often.
    if (interval < 2 || interval > 3600) {
      throw bad("--otlp-metrics-interval is %d; it must be 2 to 3600 seconds".formatted(interval));
    }
    return new OtlpMetrics(otlpMetrics, Duration.ofSeconds(interval));
  }

  private static void check(String flag, URI address, String paths) {
    String scheme = address.getScheme();
    if (!("http".equals(scheme) || "https".equals(scheme)) || address.getHost() == null) {
      throw bad("%s is '%s'; it must be an http or https address".formatted(flag, address));
    }
    String path = address.getPath();
    if (path == null || path.isEmpty() || path.equals("/")) {
      throw bad("%s is '%s', an address with no path; %s".formatted(flag, address, paths));
    }
  }

  private static EngineException bad(String message) {
    return new EngineException(ServeError.BAD_OPTION, message);
  }
}
