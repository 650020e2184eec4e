package quartet.api.telemetry;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Filter;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * Why metrics or traces were not taken. OpenTelemetry's exporters say it nowhere but in their own
 * log, which goes to stderr, each time and with a stack: that is read here, and kept from stderr.
 *
 * <p>Thread: any.
 */
final class ExportReasons implements Filter {
  private static final String WORDY = "The request could not be executed. Full error message: ";
  private static final String NO_TEXT = ". Error message:";

  /** Held: the log manager forgets loggers that nobody holds, with their filters. */
  private final Logger logger;

  private final Map<Signal, String> last = new ConcurrentHashMap<>();

  /** What is sent. */
  enum Signal {
    METRICS("metrics"),
    TRACES("spans");

    private final String failed;

    Signal(String called) {
      failed = "Failed to export " + called + ". ";
    }
  }

  private ExportReasons(Logger logger) {
    this.logger = logger;
  }

  /**
   * Made when something is exported first: most servers export nothing, and wait for no logging.
   */
  private static final class OfProcess {
    static final ExportReasons REASONS = listen();
  }

  /** Those of all exporters: they share one log. It is read for as long as the process lives. */
  static ExportReasons ofProcess() {
    return OfProcess.REASONS;
  }

  private static ExportReasons listen() {
    ExportReasons reasons =
        new ExportReasons(Logger.getLogger("io.opentelemetry.exporter.internal.http.HttpExporter"));
    reasons.logger.setFilter(reasons);
    return reasons;
  }

  @Override
  public boolean isLoggable(LogRecord entry) {
    String message = String.valueOf(entry.getMessage());
    for (Signal signal : Signal.values()) {
      if (message.startsWith(signal.failed)) {
        last.put(signal, reason(message.substring(signal.failed.length())));
      }
    }
    return false;
  }

  /** The exporter's sentence without what says nothing, and without its full stop. */
  private static String reason(String text) {
    String reason = text.replace(WORDY, "").strip();
    return reason.endsWith(NO_TEXT)
        ? reason.substring(0, reason.length() - NO_TEXT.length())
        : reason.replaceFirst("\\.$", "");
  }

  /** The last reason, once. */
  String take(Signal signal) {
    String reason = last.remove(signal);
    return reason == null ? "its exporter gives no reason" : reason;
  }
}
