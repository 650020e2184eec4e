package quartet.api.telemetry;

import com.typesafe.config.Config;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import kamon.metric.PeriodSnapshot;
import kamon.module.MetricReporter;
import org.jspecify.annotations.Nullable;

/**
 * Sends Kamon's figures to an OpenTelemetry receiver. What is sent is cumulative, so a sending that
 * fails is made good by the next: nothing is kept for it, and nothing is repeated.
 *
 * <p>It tells of each outage once when it begins and once when it ends. Kamon's thread is never
 * held up: while a sending is under way no other one begins.
 *
 * <p>Thread: any. Owner: {@link Telemetry}.
 */
final class OtlpReporter implements MetricReporter {
  /** Periods do not end to the millisecond: what is nearly due is sent. */
  private static final Duration SLACK = Duration.ofMillis(500);

  private final Cumulative figures;
  private final MetricExporter exporter;
  private final Duration every;
  private final LongSupplier nanoTime;
  private final Supplier<String> reason;
  private final Consumer<Change> changes;

  private CompletableResultCode sending = CompletableResultCode.ofSuccess();
  private @Nullable Long sentAt;
  private boolean away;
  private @Nullable CountDownLatch lastPeriod;

  /** What a person should know. */
  sealed interface Change {
    /**
     * The receiver takes nothing.
     *
     * @param reason what the exporter says of it
     */
    record Away(String reason) implements Change {}

    /** The receiver takes figures again. */
    record Back() implements Change {}
  }

  /**
   * One that has sent nothing yet.
   *
   * @param exporter closed by {@link #stop}
   * @param nanoTime as {@link System#nanoTime}
   * @param reason why the last sending failed
   * @param changes hears of outages
   */
  OtlpReporter(
      Cumulative figures,
      MetricExporter exporter,
      Duration every,
      LongSupplier nanoTime,
      Supplier<String> reason,
      Consumer<Change> changes) {
    this.figures = figures;
    this.exporter = exporter;
    this.every = every;
    this.nanoTime = nanoTime;
    this.reason = reason;
    this.changes = changes;
  }

  @Override
  public void reportPeriodSnapshot(PeriodSnapshot period) {
    synchronized (this) {
      figures.add(period);
      if (lastPeriod != null) {
        lastPeriod.countDown();
        return;
      }
      long now = nanoTime.getAsLong();
      boolean due = sentAt == null || now - sentAt >= every.minus(SLACK).toNanos();
      if (!due || !sending.isDone()) {
        return;
      }
      sentAt = now;
    }
    send();
  }

  private CompletableResultCode send() {
    CompletableResultCode sent;
    synchronized (this) {
      sent = exporter.export(figures.data());
      sending = sent;
    }
    return sent.whenComplete(() -> ended(sent.isSuccess()));
  }

  private void ended(boolean success) {
    String why = success ? "" : reason.get();
    synchronized (this) {
      // Of the last sending its sender tells.
      if (lastPeriod != null || away != success) {
        return;
      }
      away = !success;
    }
    changes.accept(success ? new Change.Back() : new Change.Away(why));
  }

  /**
   * Sends the last figures: waits for the end of the period that runs, for a sending under way, and
   * for its own. Afterwards nothing is sent.
   *
   * @param patience for all of it, half of it for the period; what is not there by then is not sent
   * @return whether the receiver has taken them
   */
  boolean flush(Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
    CountDownLatch latch = new CountDownLatch(1);
    CompletableResultCode before;
    synchronized (this) {
      if (lastPeriod != null) {
        return true;
      }
      lastPeriod = latch;
      before = sending;
    }
    try {
      var _ = latch.await(patience.toNanos() / 2, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
    return waitFor(before, end).isDone() && waitFor(send(), end).isSuccess();
  }

  private static CompletableResultCode waitFor(CompletableResultCode code, long end) {
    return code.join(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
  }

  @Override
  public void stop() {
    var _ = exporter.shutdown();
  }

  @Override
  public void reconfigure(Config config) {}
}
