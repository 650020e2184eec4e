package quartet.api.telemetry;

import com.typesafe.config.Config;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporterBuilder;
import io.opentelemetry.sdk.resources.Resource;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wires an {@link OtlpReporter} to OpenTelemetry's exporter and to our log. Headers, compression,
 * time allowed and attributes come from {@code kamon.otel}, which reads OpenTelemetry's environment
 * variables. Owner: {@link Telemetry}.
 */
final class OtlpSender implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OtlpSender.class);

  /**
   * Enough for a period of two seconds, and bounded: a receiver that hangs holds up no shutdown.
   */
  private static final Duration LAST_WORDS = Duration.ofSeconds(6);

  private final OtlpMetrics metrics;
  private final OtlpReporter reporter;
  private final ExportReasons reasons;

  private OtlpSender(OtlpMetrics metrics, OtlpReporter reporter, ExportReasons reasons) {
    this.metrics = metrics;
    this.reporter = reporter;
    this.reasons = reasons;
  }

  static OtlpSender create(
      OtlpMetrics metrics, Identity identity, Config config, ExportReasons reasons) {
    Config settings = config.getConfig("kamon.otel.metrics");
    OtlpHttpMetricExporterBuilder exporter =
        OtlpHttpMetricExporter.builder()
            .setEndpoint(metrics.address().toString())
            .setTimeout(settings.getDuration("timeout"));
    if (!settings.getString("compression").isEmpty()) {
      exporter.setCompression(settings.getString("compression"));
    }
    pairs("headers", settings.getString("headers")).forEach(exporter::addHeader);
    Map<String, String> attributes = pairs("attributes", config.getString("kamon.otel.attributes"));
    return new OtlpSender(
        metrics,
        new OtlpReporter(
            new Cumulative(resource(identity, attributes), identity.node(), Bounds.of(config)),
            exporter.build(),
            metrics.every(),
            System::nanoTime,
            new Outage(
                () -> reasons.take(ExportReasons.Signal.METRICS), change -> tell(metrics, change))),
        reasons);
  }

  /** What every figure is of. An operator's attributes go over ours. */
  static Resource resource(Identity identity, Map<String, String> more) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("service.name", "quartet");
    all.put("service.version", identity.version());
    all.put("service.instance.id", identity.instance());
    all.put("quartet.node", identity.node());
    all.putAll(more);
    var attributes = Attributes.builder();
    all.forEach((key, value) -> attributes.put(AttributeKey.stringKey(key), value));
    return Resource.create(attributes.build());
  }

  /** Reads {@code key=value,key=value}, values as in URLs. Source: OpenTelemetry's exporters. */
  static Map<String, String> pairs(String what, String text) {
    Map<String, String> pairs = new LinkedHashMap<>();
    for (String pair : text.split(",", -1)) {
      int at = pair.indexOf('=');
      if (at > 0) {
        pairs.put(
            pair.substring(0, at).strip(),
            URLDecoder.decode(pair.substring(at + 1).strip(), StandardCharsets.UTF_8));
      } else if (!pair.isBlank()) {
        // Its text may be a secret.
        LOG.warn(
            "one of OpenTelemetry's {} has no '=' and is left out; they look like name=value,name=value",
            what);
      }
    }
    return pairs;
  }

  private static void tell(OtlpMetrics metrics, Outage.Change change) {
    switch (change) {
      case Outage.Change.Away away ->
          LOG.warn(
              "OpenTelemetry metrics are not taken by {}: {}. The server goes on and tries again"
                  + " every {} s; this is said once",
              metrics.address(),
              away.reason(),
              metrics.every().toSeconds());
      case Outage.Change.Back _ ->
          LOG.info("✅ OpenTelemetry metrics are taken by {} again", metrics.address());
    }
  }

  OtlpReporter reporter() {
    return reporter;
  }

  /** Sends the last figures, within a few seconds. */
  @Override
  public void close() {
    if (!reporter.flush(LAST_WORDS)) {
      LOG.warn(
          "the last OpenTelemetry metrics were not taken by {}: {}; what happened since the ones"
              + " before is missing there",
          metrics.address(),
          reasons.take(ExportReasons.Signal.METRICS));
    }
    reporter.stop();
  }
}
