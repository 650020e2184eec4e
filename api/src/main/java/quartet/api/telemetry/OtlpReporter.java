package quartet.api.telemetry;

import com.typesafe.config.Config;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import kamon.metric.PeriodSnapshot;
import kamon.module.MetricReporter;
import org.jspecify.annotations.Nullable;

/**
 * Sends Kamon's figures to an OpenTelemetry receiver. What is sent is cumulative, so a sending that
 * fails is made good by the next: nothing is kept for it, and nothing is repeated.
 *
 * <p>Kamon's thread is never held up: while a sending is under way no other one begins.
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
  private final Outage outage;

  private CompletableResultCode sending = CompletableResultCode.ofSuccess();
  private @Nullable Long sentAt;
  private @Nullable CountDownLatch lastPeriod;

  /**
   * One that has sent nothing yet.
   *
   * @param exporter closed by {@link #stop}
   * @param nanoTime as {@link System#nanoTime}
   * @param outage hears of every sending but the last one, of which its sender tells
   */
  OtlpReporter(
      Cumulative figures,
      MetricExporter exporter,
      Duration every,
      LongSupplier nanoTime,
      Outage outage) {
    this.figures = figures;
    this.exporter = exporter;
    this.every = every;
    this.nanoTime = nanoTime;
    this.outage = outage;
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
    synchronized (this) {
      if (lastPeriod != null) {
        return;
      }
    }
    outage.sent(success);
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
