package quartet.api.telemetry;

import com.typesafe.config.Config;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.net.URI;
import java.util.Collection;
import kamon.module.SpanReporter;
import kamon.otel.OpenTelemetryTraceReporter;
import kamon.otel.OtlpTraceService;
import kamon.otel.TraceService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.concurrent.ExecutionContext;
import scala.concurrent.Future;
import scala.jdk.javaapi.FutureConverters;
import scala.runtime.BoxedUnit;

/**
 * Kamon's sender of spans, whose outages are told in our log. Kamon's reporter would log each
 * sending that fails, with its stack, so it hears of none. Nothing is sent twice: the spans of a
 * sending that fails are lost.
 *
 * <p>Thread: any.
 */
final class WatchedTraces implements TraceService {
  private static final Logger LOG = LoggerFactory.getLogger(WatchedTraces.class);

  private final TraceService service;
  private final Outage outage;
  private volatile boolean closed;

  private WatchedTraces(TraceService service, Outage outage) {
    this.service = service;
    this.outage = outage;
  }

  /**
   * One that sends to an address.
   *
   * @param config has the address and everything else in {@code kamon.otel}, which reads
   *     OpenTelemetry's environment variables
   */
  static SpanReporter reporter(URI address, Config config, ExportReasons reasons) {
    Outage outage =
        new Outage(
            () -> reasons.take(ExportReasons.Signal.TRACES), change -> tell(address, change));
    OpenTelemetryTraceReporter reporter =
        new OpenTelemetryTraceReporter(
            settings -> new WatchedTraces(OtlpTraceService.apply(settings), outage),
            ExecutionContext.global());
    reporter.reconfigure(config);
    return reporter;
  }

  private static void tell(URI address, Outage.Change change) {
    switch (change) {
      case Outage.Change.Away away ->
          LOG.warn(
              "OpenTelemetry traces are not taken by {}: {}. The server goes on, and the spans of"
                  + " prompts that end meanwhile are lost. Start the receiver, or correct --traces;"
                  + " this is said once",
              address,
              away.reason());
      case Outage.Change.Back _ ->
          LOG.info("✅ OpenTelemetry traces are taken by {} again", address);
    }
  }

  @Override
  public Future<BoxedUnit> exportSpans(Collection<SpanData> spans) {
    return FutureConverters.asScala(
        FutureConverters.asJava(service.exportSpans(spans))
            .handle(
                (done, failure) -> {
                  // What the end breaks off is no outage.
                  if (!closed) {
                    outage.sent(failure == null);
                  }
                  return BoxedUnit.UNIT;
                }));
  }

  @Override
  public void close() {
    closed = true;
    try {
      service.close();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
