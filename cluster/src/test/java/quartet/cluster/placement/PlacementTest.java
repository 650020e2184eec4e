package quartet.cluster.placement;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class PlacementTest {
  private static GpuLoad gpu(int id, int waiting, String... resident) {
    return new GpuLoad(
        id,
        waiting,
        4,
        Set.of(resident).stream().map(Path::of).collect(java.util.stream.Collectors.toSet()),
        Duration.ofSeconds(2));
  }

  @Test
  void theShortestQueueWins() {
    assertThat(Placement.choose(List.of(gpu(0, 2), gpu(1, 0), gpu(2, 1)), Set.of()))
        .map(Placement.Decision::gpuId)
        .contains(1);
  }

  @Test
  void amongEqualQueuesAResidentModelWins() {
    assertThat(
            Placement.choose(
                List.of(gpu(0, 1), gpu(1, 1, "/m/checkpoints/x.safetensors")),
                Set.of("x.safetensors")))
        .contains(new Placement.Decision(1, "GPU 1: queue 1, model resident"));
  }

  @Test
  void aModelInASubfolderIsFoundByItsRelativeName() {
    assertThat(
            Placement.choose(
                List.of(gpu(0, 0), gpu(1, 0, "/m/checkpoints/sub/x.safetensors")),
                Set.of("sub/x.safetensors")))
        .map(Placement.Decision::gpuId)
        .contains(1);
  }

  @Test
  void aNameThatIsNoPathIsNoReasonToFail() {
    assertThat(
            Placement.choose(
                List.of(gpu(0, 0, "/m/checkpoints/x.safetensors")), Set.of("a\0b", "", "../x")))
        .map(Placement.Decision::gpuId)
        .contains(0);
  }

  @Test
  void equalDevicesAreTakenInOrder() {
    assertThat(Placement.choose(List.of(gpu(2, 0), gpu(1, 0)), Set.of("x")))
        .contains(new Placement.Decision(1, "GPU 1: queue 0, model to be loaded"));
  }

  @Test
  void fullDevicesAreLeftOut() {
    assertThat(Placement.choose(List.of(gpu(0, 4), gpu(1, 5)), Set.of())).isEmpty();
    assertThat(Placement.choose(List.of(), Set.of())).isEmpty();
  }

  @Test
  void expectedWaitIsQueueTimesMean() {
    assertThat(gpu(0, 3).expectedWait()).isEqualTo(Duration.ofSeconds(6));
  }
}
