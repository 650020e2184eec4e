package quartet.cluster.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import quartet.engine.device.DeviceWorker;
import quartet.engine.exec.ExecutionOutcome;

/** Ends in the order of the starts. */
final class DeparturesTest {
  private static final DeviceWorker.Result SUCCEEDED =
      new DeviceWorker.Result(new ExecutionOutcome.Succeeded(Map.of()), 0);

  private final Departures departures = new Departures();
  private final GpuRun first = left("first");
  private final GpuRun second = left("second");
  private final GpuRun third = left("third");

  private GpuRun left(String id) {
    GpuRun run = new GpuRun(Jobs.job(id, 0), Instant.EPOCH, 0);
    departures.add(run);
    return run;
  }

  private static void end(GpuRun run) {
    run.ended(SUCCEEDED, Instant.EPOCH.plusSeconds(2));
  }

  private List<String> told() {
    List<String> told = new ArrayList<>();
    for (GpuRun.End end = departures.nextEnd(); end != null; end = departures.nextEnd()) {
      told.add(end.run().job.promptId());
    }
    return told;
  }

  @Test
  void anEndWaitsForThoseThatStartedBefore() {
    end(second);
    assertThat(told()).isEmpty();
    end(first);
    assertThat(told()).containsExactly("first", "second");
    assertThat(departures.isEmpty()).isFalse();
    end(third);
    assertThat(told()).containsExactly("third");
    assertThat(departures.isEmpty()).isTrue();
  }

  @Test
  void anEndIsToldOnceWithTheTimeThatItTook() {
    end(first);
    assertThat(departures.nextEnd())
        .isEqualTo(new GpuRun.End(first, SUCCEEDED, Instant.EPOCH.plusSeconds(2)))
        .extracting(GpuRun.End::took)
        .isEqualTo(Duration.ofSeconds(2));
    assertThat(departures.nextEnd()).isNull();
  }

  @Test
  void nobodyWaitsForOneThatIsGivenUpAndItsLateEndCountsForNothing() {
    end(second);
    departures.giveUp(first);
    assertThat(told()).containsExactly("second");
    end(first);
    assertThat(told()).isEmpty();
  }

  @Test
  void whatHasEndedDoesNotHangWhileItWaitsForItsTurn() {
    end(second);
    assertThat(departures.hanging(Duration.ZERO)).containsExactly(first, third);
    assertThat(departures.hanging(Duration.ofHours(1))).isEmpty();
  }

  @Test
  void oneIsCancelledByItsIdOrAllTogether() {
    departures.cancel("second");
    assertThat(List.of(first.isCancelled(), second.isCancelled(), third.isCancelled()))
        .containsExactly(false, true, false);
    departures.cancelAll();
    assertThat(List.of(first.isCancelled(), second.isCancelled(), third.isCancelled()))
        .containsOnly(true);
  }
}
