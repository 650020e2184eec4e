package quartet.api.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.InstrumentType;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.resources.Resource;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import kamon.metric.MeasurementUnit;
import org.junit.jupiter.api.Test;

/** When figures are sent, and what is told of it. */
final class OtlpReporterTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final List<Double> sent = new CopyOnWriteArrayList<>();
  private final List<CompletableResultCode> open = new CopyOnWriteArrayList<>();
  private final List<String> told = new CopyOnWriteArrayList<>();
  private final AtomicLong seconds = new AtomicLong();
  private volatile boolean shut;
  private int period;

  private final OtlpReporter reporter =
      new OtlpReporter(
          new Cumulative(Resource.empty(), "n", new Bounds(Map.of(), Map.of(), List.of())),
          new Receiver(),
          Duration.ofSeconds(10),
          () -> seconds.get() * 1_000_000_000L,
          new Outage(
              () -> "connection refused",
              change ->
                  told.add(
                      switch (change) {
                        case Outage.Change.Away away -> "away: " + away.reason();
                        case Outage.Change.Back _ -> "back";
                      })));

  /** One that answers when the test says so. */
  private final class Receiver implements MetricExporter {
    @Override
    public CompletableResultCode export(Collection<MetricData> metrics) {
      sent.add(
          metrics.iterator().next().getDoubleSumData().getPoints().iterator().next().getValue());
      CompletableResultCode result = new CompletableResultCode();
      open.add(result);
      return result;
    }

    @Override
    public CompletableResultCode flush() {
      return CompletableResultCode.ofSuccess();
    }

    @Override
    public CompletableResultCode shutdown() {
      shut = true;
      return CompletableResultCode.ofSuccess();
    }

    @Override
    public AggregationTemporality getAggregationTemporality(InstrumentType type) {
      return AggregationTemporality.CUMULATIVE;
    }
  }

  /** Two seconds in which one prompt ended. */
  private void period() {
    seconds.addAndGet(2);
    reporter.reportPeriodSnapshot(
        Periods.period(
            period++,
            List.of(Periods.value("quartet.prompts", MeasurementUnit.none(), Map.of(Map.of(), 1L))),
            List.of(),
            List.of(),
            List.of()));
  }

  private void periods(int count) {
    for (int i = 0; i < count; i++) {
      period();
    }
  }

  private static void await(BooleanSupplier holds) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited %s", PATIENCE).isLessThan(end);
      Thread.onSpinWait();
    }
  }

  @Test
  void oneInFivePeriodsIsSentAndNoneIsLost() {
    period();
    open.getLast().succeed();
    periods(5);
    assertThat(sent).containsExactly(1.0, 6.0);
    assertThat(told).isEmpty();
  }

  @Test
  void whileOneIsUnderWayNoneBegins() {
    periods(12);
    assertThat(sent).containsExactly(1.0);
    open.getLast().succeed();
    period();
    assertThat(sent).containsExactly(1.0, 13.0);
  }

  @Test
  void anOutageIsToldOnceAndItsEndOnceAndTheNextOneAgain() {
    for (int i = 0; i < 4; i++) {
      periods(5);
      open.getLast().fail();
    }
    assertThat(sent).as("it goes on trying").hasSize(4);
    assertThat(told).containsExactly("away: connection refused");
    for (int i = 0; i < 2; i++) {
      periods(5);
      open.getLast().succeed();
    }
    assertThat(told).containsExactly("away: connection refused", "back");
    assertThat(sent.getLast()).as("nothing is missing").isEqualTo(26.0);
    periods(5);
    open.getLast().fail();
    assertThat(told).hasSize(3);
  }

  @Test
  void theLastFiguresAreSentOnceAfterThePeriodThatRuns() throws InterruptedException {
    period();
    open.getLast().succeed();
    AtomicBoolean taken = new AtomicBoolean();
    Thread flush = Thread.ofPlatform().start(() -> taken.set(reporter.flush(PATIENCE)));
    await(() -> flush.getState() == Thread.State.TIMED_WAITING);
    assertThat(sent).as("the period that runs is waited for").hasSize(1);
    period();
    await(() -> sent.size() == 2);
    open.getLast().succeed();
    flush.join();
    assertThat(taken).isTrue();
    periods(20);
    reporter.flush(PATIENCE);
    assertThat(sent).as("nothing after the end").containsExactly(1.0, 2.0);
    reporter.stop();
    assertThat(shut).isTrue();
  }

  @Test
  void aReceiverThatHangsHoldsUpNoShutdown() {
    period();
    assertThat(open).hasSize(1);
    // Neither this period's end nor an answer comes.
    assertThat(reporter.flush(Duration.ofMillis(200))).isFalse();
    assertThat(sent).as("the one under way is not overtaken").hasSize(1);
    reporter.stop();
    assertThat(shut).isTrue();
    open.getLast().fail();
    assertThat(told).as("a server that ends does not say that it tries again").isEmpty();
  }
}
