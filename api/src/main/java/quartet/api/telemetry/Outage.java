package quartet.api.telemetry;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Whether a receiver takes what is sent to it. It tells of each outage once when it begins and once
 * when it ends.
 *
 * <p>Thread: any.
 */
final class Outage {
  private final Supplier<String> reason;
  private final Consumer<Change> changes;
  private final AtomicBoolean away = new AtomicBoolean();

  /** What a person should know. */
  sealed interface Change {
    /**
     * The receiver takes nothing.
     *
     * @param reason what the exporter says of it
     */
    record Away(String reason) implements Change {}

    /** The receiver takes what is sent again. */
    record Back() implements Change {}
  }

  /**
   * None so far.
   *
   * @param reason why the last sending failed; asked once for each that did
   * @param changes hears of outages
   */
  Outage(Supplier<String> reason, Consumer<Change> changes) {
    this.reason = reason;
    this.changes = changes;
  }

  /** A sending has ended. */
  void sent(boolean taken) {
    String why = taken ? "" : reason.get();
    if (away.compareAndSet(taken, !taken)) {
      changes.accept(taken ? new Change.Back() : new Change.Away(why));
    }
  }
}
