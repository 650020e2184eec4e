package quartet.api.telemetry;

import com.typesafe.config.Config;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
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
 * sending that fails are lost. What is under way at the end has a few seconds to arrive.
 *
 * <p>Thread: any.
 */
final class WatchedTraces implements TraceService {
  private static final Logger LOG = LoggerFactory.getLogger(WatchedTraces.class);

  /** Bounded: a receiver that hangs holds up no shutdown. */
  static final Duration LAST_WORDS = Duration.ofSeconds(6);

  private final URI address;
  private final TraceService service;
  private final Outage outage;
  private final Supplier<String> reason;

  /** Whether all that was sent was taken, once that is known. */
  private CompletableFuture<Boolean> sending = CompletableFuture.completedFuture(true);

  private boolean closed;

  private WatchedTraces(URI address, TraceService service, Outage outage, Supplier<String> reason) {
    this.address = address;
    this.service = service;
    this.outage = outage;
    this.reason = reason;
  }

  /**
   * One that sends to an address.
   *
   * @param config has the address and everything else in {@code kamon.otel}, which reads
   *     OpenTelemetry's environment variables
   */
  static SpanReporter reporter(URI address, Config config, ExportReasons reasons) {
    Supplier<String> reason = () -> reasons.take(ExportReasons.Signal.TRACES);
    Outage outage = new Outage(reason, change -> tell(address, change));
    OpenTelemetryTraceReporter reporter =
        new OpenTelemetryTraceReporter(
            settings ->
                new WatchedTraces(address, OtlpTraceService.apply(settings), outage, reason),
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
  public synchronized Future<BoxedUnit> exportSpans(Collection<SpanData> spans) {
    CompletableFuture<Boolean> taken =
        FutureConverters.asJava(service.exportSpans(spans))
            .handle((done, failure) -> failure == null)
            .toCompletableFuture();
    sending = sending.isDone() ? taken : sending.thenCombine(taken, (before, now) -> before && now);
    return FutureConverters.asScala(taken.thenAccept(this::ended).thenApply(_ -> BoxedUnit.UNIT));
  }

  private void ended(boolean taken) {
    synchronized (this) {
      if (closed) {
        return; // told by close
      }
    }
    outage.sent(taken);
  }

  @Override
  public void close() {
    CompletableFuture<Boolean> underWay;
    synchronized (this) {
      closed = true;
      underWay = sending.isDone() ? CompletableFuture.completedFuture(true) : sending;
    }
    if (!underWay.completeOnTimeout(false, LAST_WORDS.toSeconds(), TimeUnit.SECONDS).join()) {
      LOG.warn(
          "the last OpenTelemetry traces were not taken by {}: {}; the spans of prompts that ended"
              + " last are missing there",
          address,
          reason.get());
    }
    try {
      service.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
