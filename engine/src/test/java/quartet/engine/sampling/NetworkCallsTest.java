package quartet.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import quartet.engine.model.CheckpointModels;
import quartet.engine.model.LargeTensors;
import quartet.engine.run.CancelToken;
import quartet.engine.run.PromptInterruptedException;
import quartet.engine.value.Conditioning;
import quartet.engine.value.LatentBatch;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Device;
import quartet.tensor.cpu.CpuBackend;
import quartet.tensor.cpu.CpuHost;
import quartet.tensor.cpu.CpuSettings;
import quartet.testkit.Goldens;
import quartet.testkit.TensorAssertions;

/** A batch that does not fit goes through the network in parts, and gives the same latents. */
final class NetworkCallsTest {
  private static final int BATCH = 4;
  private static final long PLENTY = 1L << 32;
  private static final double SMALLER = 0.85;

  private static long room;

  @BeforeAll
  static void findRoomTooSmallForTheWhole() {
    room = 32L << 20;
    while (failure(room, false) == null) {
      room = (long) (room * SMALLER);
    }
  }

  @Test
  void withoutRoomForTheBatchItGoesInPartsAndGivesTheSame() {
    float[] whole = run(PLENTY, false, CancelToken.NEVER, new ArrayList<>());
    List<Integer> steps = new ArrayList<>();
    float[] parts = run(room, true, CancelToken.NEVER, steps);
    assertThat(TensorAssertions.relativeRms(parts, whole)).isLessThan(1e-5);
    assertThat(steps).containsExactly(1, 2);
  }

  @Test
  void withoutRoomForOneItemItIsOneError() {
    EngineException failure = failure(room / 3, true);
    assertThat(failure).isNotNull();
    assertThat(failure.kind()).isEqualTo(ErrorKind.OUT_OF_MEMORY);
  }

  @Test
  void itIsInterruptedBetweenParts() {
    AtomicInteger asked = new AtomicInteger();
    List<Integer> steps = new ArrayList<>();
    // First for the step, then for each part.
    assertThatThrownBy(() -> run(room, true, () -> asked.incrementAndGet() > 2, steps))
        .isInstanceOf(PromptInterruptedException.class);
    assertThat(steps).isEmpty();
  }

  @Test
  void noTensorHasMoreElementsThanLibrariesCount() {
    assertThat(LargeTensors.items(64, 64, 2560)).isEqualTo(204);
    assertThat(LargeTensors.items(512, 512, 2560)).isEqualTo(3);
    assertThat(LargeTensors.items(1024, 1024, 2560)).isZero();
  }

  @Test
  void callsAreEqualWhereThatCostsLittle() {
    assertThat(NetworkCalls.perCall(32, 3)).isEqualTo(2);
    assertThat(NetworkCalls.perCall(8, 4)).isEqualTo(4);
    assertThat(NetworkCalls.perCall(7, 4)).isEqualTo(4);
    assertThat(NetworkCalls.perCall(5, 1)).isEqualTo(1);
    assertThat(NetworkCalls.perCall(2, Integer.MAX_VALUE)).isEqualTo(2);
  }

  private static @Nullable EngineException failure(long room, boolean inParts) {
    return catchThrowableOfType(
        EngineException.class, () -> run(room, inParts, CancelToken.NEVER, new ArrayList<>()));
  }

  /** Two steps of the golden model. */
  private static float[] run(long room, boolean inParts, CancelToken cancel, List<Integer> steps) {
    CpuSettings settings = CpuSettings.ofThisMachine().withThreads(2).withMemoryBytes(room);
    try (SafetensorsFile file = Goldens.tensors("tiny_sd15");
        SafetensorsFile expected = Goldens.tensors("tiny_sd15_expected");
        CpuHost host = new CpuHost(settings);
        CpuBackend backend = new CpuBackend(host, Device.cpu(0));
        CheckpointModels models = CheckpointModels.open(file, backend)) {
      SamplingRequest request =
          SamplingRequest.whole(
              7,
              2,
              5,
              "euler",
              "normal",
              prompt(expected, "clip.positive.last"),
              prompt(expected, "clip.negative.last"),
              LatentBatch.zeros(BATCH, 4, 16, 16));
      LatentBatch latent =
          KSampler.sample(
              backend,
              inParts ? models.diffusion().inPartsWhenFull() : models.diffusion(),
              request,
              (step, total, preview) -> steps.add(step),
              cancel);
      assertThat(backend.memory().scopeBytes()).isZero();
      return latent.values();
    }
  }

  private static Conditioning prompt(SafetensorsFile file, String name) {
    return Conditioning.of(file.tensor(name).toFloats(), 77, 64, null);
  }
}
