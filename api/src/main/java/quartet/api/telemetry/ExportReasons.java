package quartet.api.telemetry;

import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Filter;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * Why metrics were not taken. OpenTelemetry's exporter says it nowhere but in its own log, which
 * goes to stderr, each time: that is read here, and kept from stderr. What the exporter says of
 * traces passes.
 *
 * <p>Thread: any.
 */
final class ExportReasons implements Filter {
  private static final String OURS = "Failed to export metrics. ";
  private static final String WORDY = "The request could not be executed. Full error message: ";
  private static final String NO_TEXT = ". Error message:";
  private static final String FEWER = "Too many log messages detected.";

  /** Held: the log manager forgets loggers that nobody holds, with their filters. */
  private final Logger logger;

  private final AtomicReference<String> last = new AtomicReference<>("");

  private ExportReasons(Logger logger) {
    this.logger = logger;
  }

  /** Begins to read the exporter's log. */
  static ExportReasons listen() {
    Logger logger = Logger.getLogger("io.opentelemetry.exporter.internal.http.HttpExporter");
    ExportReasons reasons = new ExportReasons(logger);
    logger.setFilter(reasons);
    return reasons;
  }

  @Override
  public boolean isLoggable(LogRecord entry) {
    String message = String.valueOf(entry.getMessage());
    if (message.startsWith(OURS)) {
      String reason = message.substring(OURS.length()).replace(WORDY, "").strip();
      last.set(
          reason.endsWith(NO_TEXT)
              ? reason.substring(0, reason.length() - NO_TEXT.length())
              : reason);
      return false;
    }
    return !message.startsWith(FEWER);
  }

  /** The last reason, once. */
  String take() {
    String reason = last.getAndSet("");
    return reason.isEmpty() ? "its exporter gives no reason" : reason;
  }

  /** Stops reading. */
  void stop() {
    logger.setFilter(null);
  }
}
