package quartet.api.logs;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.LoggerFactory;

/** The log's last lines in memory. Thread: any. */
public final class LogTail extends AppenderBase<ILoggingEvent> {
  /** Fills the front end's log window several times over. */
  private static final int LINES = 300;

  private final Deque<Line> lines = new ArrayDeque<>();
  private final List<Consumer<Line>> listeners = new CopyOnWriteArrayList<>();

  /**
   * One line.
   *
   * @param text ends with a line feed
   */
  public record Line(Instant time, String text) {}

  /** Starts to collect what all loggers write. */
  public static LogTail attached() {
    LogTail tail = new LogTail();
    tail.setName("tail");
    if (LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME) instanceof Logger root) {
      tail.setContext(root.getLoggerContext());
      tail.start();
      root.addAppender(tail);
    }
    return tail;
  }

  @Override
  protected void append(ILoggingEvent event) {
    Line line =
        new Line(
            Instant.ofEpochMilli(event.getTimeStamp()),
            event.getLevel() + " " + event.getFormattedMessage() + "\n");
    synchronized (lines) {
      lines.addLast(line);
      if (lines.size() > LINES) {
        lines.removeFirst();
      }
    }
    listeners.forEach(listener -> listener.accept(line));
  }

  /** The last lines, oldest first. */
  public List<Line> lines() {
    synchronized (lines) {
      return List.copyOf(lines);
    }
  }

  /** Tells each new line; the listener must not log. */
  public void listen(Consumer<Line> listener) {
    listeners.add(listener);
  }
}
