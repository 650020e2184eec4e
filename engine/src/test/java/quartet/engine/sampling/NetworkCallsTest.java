package quartet.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import quartet.engine.model.CheckpointModels;
import quartet.engine.model.DiffusionModel;
import quartet.engine.model.LargeTensors;
import quartet.engine.model.control.ControlModel;
import quartet.engine.model.unet.BatchPart;
import quartet.engine.run.CancelToken;
import quartet.engine.run.PromptInterruptedException;
import quartet.engine.value.Conditioning;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.ModelRefs;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.rng.TorchGenerator;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.tensor.cpu.CpuBackend;
import quartet.tensor.cpu.CpuHost;
import quartet.tensor.cpu.CpuSettings;
import quartet.tensor.cpu.MemoryCode;
import quartet.tensor.cpu.reference.ReferenceBackend;
import quartet.testkit.Goldens;
import quartet.testkit.TensorAssertions;

/** A batch that does not fit goes through its networks in parts, and gives the same latents. */
final class NetworkCallsTest {
  private static final int BATCH = 4;
  private static final int SIDE = 16;
  private static final long PLENTY = 1L << 32;
  private static final double SMALLER = 0.85;

  /** Sums may be rounded otherwise: the backend blocks a product by how many rows it has. */
  private static final double SAME = 1e-5;

  /** A model, and what steers it. */
  enum Subject {
    UNET("tiny_sd15", null),
    CONTROL_NET("tiny_sdxl", "tiny_controlnet"),
    ADAPTER("tiny_sd15", "tiny_t2i");

    private final String model;
    private final @Nullable String control;

    Subject(String model, @Nullable String control) {
      this.model = model;
      this.control = control;
    }
  }

  private static final List<Conditioning.ControlUse> FOLLOWED =
      List.of(
          new Conditioning.ControlUse(
              new ModelRefs.ControlRef(Path.of("net")), pictures(), 1, 0, 1, false));

  private static ImageBatch pictures() {
    int side = SIDE * ControlModel.PIXELS_PER_LATENT;
    float[] values = new float[BATCH * side * side * 3];
    for (int i = 0; i < values.length; i++) {
      values[i] = i * 37 % 256 / 255f;
    }
    return new ImageBatch(values, BATCH, side, side, 3);
  }

  private static final Map<Subject, Long> ROOMS = new EnumMap<>(Subject.class);

  @BeforeAll
  static void findRoomsTooSmallForTheWhole() {
    for (Subject subject : Subject.values()) {
      long room = 32L << 20;
      while (failure(subject, room) == null) {
        room = smaller(room);
      }
      ROOMS.put(subject, room);
    }
  }

  private static long room(Subject subject) {
    return Objects.requireNonNull(ROOMS.get(subject));
  }

  /** In all rooms between one that is too small for the whole and one too small for an item. */
  @ParameterizedTest
  @EnumSource
  void withoutRoomForTheBatchItGoesInPartsAndGivesTheSame(Subject subject) {
    float[] whole = run(subject, PLENTY, false, new Watch());
    List<Integer> parts = new ArrayList<>();
    EngineException failure = null;
    for (long room = room(subject); failure == null; room = smaller(room)) {
      Watch watch = new Watch();
      failure = failureUnlessSame(subject, room, watch, whole);
      if (failure == null) {
        parts.add(watch.partsOfLastStep());
      }
    }
    assertThat(failure.kind()).isEqualTo(ErrorKind.OUT_OF_MEMORY);
    assertThat(Collections.max(parts)).isGreaterThan(1);
  }

  private static @Nullable EngineException failureUnlessSame(
      Subject subject, long room, Watch watch, float[] whole) {
    return catchThrowableOfType(
        EngineException.class,
        () ->
            assertThat(TensorAssertions.relativeRms(run(subject, room, true, watch), whole))
                .isLessThan(SAME));
  }

  private static long smaller(long room) {
    return (long) (room * SMALLER);
  }

  @ParameterizedTest
  @EnumSource
  void itIsInterruptedBetweenParts(Subject subject) {
    // First for the step, then for each part.
    Watch watch = new Watch(2);
    assertThatThrownBy(() -> run(subject, room(subject), true, watch))
        .isInstanceOf(PromptInterruptedException.class);
    assertThat(watch.askedBeforeStep).isEmpty();
  }

  /** A network that has no room for more items than that, and says of each what it was shown. */
  private record Narrow(Tensor x, int room, List<Integer> calls) implements NetworkCalls.Network {
    @Override
    public List<Tensor> show(TensorScope scope, BatchPart part) {
      int size = part.to() - part.from();
      calls.add(size);
      Ops ops = scope.ops();
      Tensor own = ops.affine(part.of(ops, x), 2f, 0f);
      if (size > room) {
        throw new EngineException(MemoryCode.CPU_OUT_OF_MEMORY, "no room for " + size);
      }
      return List.of(own, ops.affine(own, 1f, 1f));
    }
  }

  @Test
  void whatDidNotFitIsNotTriedAgainAndLeavesNothingBehind() {
    try (Backend backend = new ReferenceBackend(Device.cpu(0));
        TensorScope scope = backend.openScope("test")) {
      float[] numbers = new TorchGenerator(1).randn(7 * 3);
      Tensor x = scope.ops().upload(HostTensor.of(Shape.of(7, 3), numbers));
      NetworkCalls calls = new NetworkCalls(true, CancelToken.NEVER);
      Narrow network = new Narrow(x, 2, new ArrayList<>());
      List<Tensor> both = calls.show(scope, 7, 100, network);
      assertThat(network.calls()).containsExactly(7, 3, 1, 1, 1, 1, 1, 1, 1);
      network.calls().clear();
      List<Tensor> again = calls.show(scope, 7, 100, network);
      assertThat(network.calls()).containsOnly(1).hasSize(7);
      for (int n = 0; n < 2; n++) {
        float[] expected = new float[numbers.length];
        for (int i = 0; i < expected.length; i++) {
          expected[i] = 2f * numbers[i] + n;
        }
        assertThat(scope.ops().download(both.get(n))).containsExactly(expected);
        assertThat(scope.ops().download(again.get(n))).containsExactly(expected);
      }
      assertThat(scope.liveBytes()).isEqualTo(5 * x.shape().elements() * Float.BYTES);
    }
  }

  @Test
  void moreThanLibrariesCountIsNeverShownAtOnce() {
    try (Backend backend = new ReferenceBackend(Device.cpu(0));
        TensorScope scope = backend.openScope("test")) {
      Tensor x = scope.ops().upload(HostTensor.of(Shape.of(10, 1), new float[10]));
      NetworkCalls calls = new NetworkCalls(false, CancelToken.NEVER);
      Narrow network = new Narrow(x, 10, new ArrayList<>());
      calls.show(scope, 10, 4, network);
      assertThat(network.calls()).containsExactly(4, 4, 2);
      network.calls().clear();
      calls.show(scope, 10, 0, network);
      assertThat(network.calls()).containsOnly(1).hasSize(10);
      Narrow full = new Narrow(x, 3, new ArrayList<>());
      assertThatThrownBy(() -> calls.show(scope, 10, 10, full)).hasMessage("no room for 10");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"CONTROL_NET", "ADAPTER"})
  void picturesLookTheSameInParts(Subject subject) {
    try (SafetensorsFile file = Goldens.tensors(Objects.requireNonNull(subject.control));
        Backend backend = new ReferenceBackend(Device.cpu(0));
        CheckpointModels models = CheckpointModels.openPart(file, backend);
        TensorScope scope = backend.openScope("test")) {
      ControlModel net = models.control();
      ControlModel.Hint hint = ControlModel.Hint.of(pictures(), 64, 64, 3);
      List<Tensor> whole = net.look(scope, hint);
      List<Tensor> parts =
          new NetworkCalls(false, CancelToken.NEVER)
              .show(scope, 3, 2, (call, part) -> net.look(call, hint.items(part)));
      assertThat(parts).hasSameSizeAs(whole);
      for (int n = 0; n < whole.size(); n++) {
        assertThat(parts.get(n).shape()).isEqualTo(whole.get(n).shape());
        assertThat(scope.ops().download(parts.get(n)))
            .containsExactly(scope.ops().download(whole.get(n)));
      }
    }
  }

  @Test
  void aPartOfAnotherBatchIsNotCut() {
    assertThatThrownBy(() -> new BatchPart(0, 2, 4).of(new float[3]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("4 items");
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

  /** Counts how often it is asked, and cancels when that is too often. */
  private static final class Watch implements CancelToken {
    private final int most;
    private final List<Integer> askedBeforeStep = new ArrayList<>();
    private int asked;

    Watch() {
      this(Integer.MAX_VALUE);
    }

    Watch(int most) {
      this.most = most;
    }

    @Override
    public boolean isCancelled() {
      asked++;
      return asked > most;
    }

    /** It is asked once for a step, and for each part if there are some; a listener hears then. */
    int partsOfLastStep() {
      return askedBeforeStep.get(1) - askedBeforeStep.get(0) - 1;
    }
  }

  private static @Nullable EngineException failure(Subject subject, long room) {
    return catchThrowableOfType(
        EngineException.class, () -> run(subject, room, false, new Watch()));
  }

  /** Two steps of a golden model. */
  private static float[] run(Subject subject, long room, boolean inParts, Watch watch) {
    CpuSettings settings = CpuSettings.ofThisMachine().withThreads(2).withMemoryBytes(room);
    try (SafetensorsFile file = Goldens.tensors(subject.model);
        SafetensorsFile controlFile =
            Goldens.tensors(subject.control == null ? subject.model : subject.control);
        CpuHost host = new CpuHost(settings);
        CpuBackend backend = new CpuBackend(host, Device.cpu(0));
        CheckpointModels models = CheckpointModels.open(file, backend);
        CheckpointModels control = CheckpointModels.openPart(controlFile, backend)) {
      DiffusionModel model = models.diffusion();
      SamplingRequest request =
          SamplingRequest.whole(
              7,
              2,
              5,
              "euler",
              "normal",
              prompt(subject, model, 1),
              prompt(subject, model, 2),
              LatentBatch.zeros(BATCH, 4, SIDE, SIDE));
      LatentBatch latent =
          KSampler.sample(
              backend,
              inParts ? model.inPartsWhenFull() : model,
              ref -> control.control(),
              request,
              (step, total, preview) -> watch.askedBeforeStep.add(watch.asked),
              watch);
      assertThat(backend.memory().scopeBytes()).isZero();
      return latent.values();
    }
  }

  /** Any words, and with them a picture for each item to follow. */
  private static Conditioning prompt(Subject subject, DiffusionModel model, long seed) {
    TorchGenerator numbers = new TorchGenerator(seed);
    int width = model.contextWidth();
    Conditioning words = Conditioning.of(numbers.randn(77 * width), 77, width, numbers.randn(64));
    return subject.control == null ? words : words.map(entry -> entry.withControls(FOLLOWED));
  }
}
