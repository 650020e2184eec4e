package quartet.engine.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.DiffusionModel;
import quartet.engine.model.LargeTensors;
import quartet.engine.model.NoiseSchedule;
import quartet.engine.model.control.ControlModel;
import quartet.engine.model.unet.AttentionWatch;
import quartet.engine.model.unet.BatchPart;
import quartet.engine.model.unet.Patches;
import quartet.engine.model.unet.SelfAttention;
import quartet.engine.model.unet.Steering;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * What a model predicts under lists of entries: those that act now go through the network in as few
 * calls as they allow, and each list's predictions are averaged.
 *
 * <p>Owner: of the prepared prompts and weights, in the run's scope.
 */
final class Predictions {
  /** Timesteps scaled, and the deviation of the data. Source: Luo et al. 2023, section 4.1. */
  private static final float CONSISTENCY_TIME = 10f;

  private static final float CONSISTENCY_DEVIATION = 0.5f;

  private final RunSetup setup;
  private final DiffusionModel model;
  private final NetworkCalls calls;
  private final Map<Set, List<PromptBatch>> batches = new HashMap<>();
  private final Map<Set, Averaging> averages = new HashMap<>();
  private float[][] attention = {};

  /** Entries by identity, since their arrays are compared by identity anyway. */
  private record Set(List<PlacedEntry> entries) {}

  /** What is asked of the network besides its prediction. */
  enum Look {
    /** Nothing. */
    PLAIN,
    /** The middle's tokens attend to themselves alone. */
    PERTURBED,
    /** It is written down what the middle's tokens attend to. */
    WATCHED
  }

  Predictions(RunSetup setup) {
    this.setup = setup;
    this.model = setup.model();
    this.calls = new NetworkCalls(model.partsWhenFull(), setup.cancel());
  }

  /**
   * One mean per list, in the clean latent's terms.
   *
   * @param scope owns the results
   * @param look what is asked of the network besides
   */
  List<Tensor> of(
      TensorScope scope, Tensor x, float sigma, List<List<PlacedEntry>> lists, Look look) {
    List<List<PlacedEntry>> active = lists.stream().map(list -> active(list, sigma)).toList();
    List<PlacedEntry> all = new ArrayList<>();
    active.forEach(all::addAll);
    IdentityHashMap<PlacedEntry, Tensor> predictions = predict(scope, x, sigma, all, look);
    List<Tensor> means = new ArrayList<>();
    for (List<PlacedEntry> list : active) {
      Averaging averaging =
          averages.computeIfAbsent(
              new Set(list), key -> new Averaging(key.entries(), setup.latent(), setup.scope()));
      means.add(averaging.of(scope.ops(), x, predictions));
    }
    return means;
  }

  private IdentityHashMap<PlacedEntry, Tensor> predict(
      TensorScope scope, Tensor x, float sigma, List<PlacedEntry> all, Look look) {
    List<PromptBatch> prepared =
        batches.computeIfAbsent(new Set(all), key -> PromptBatch.of(key.entries(), setup));
    Ops ops = scope.ops();
    Tensor scaled = ops.affine(x, inputScale(sigma), 0f);
    IdentityHashMap<PlacedEntry, Tensor> predictions = new IdentityHashMap<>();
    for (PromptBatch batch : prepared) {
      Window window = batch.window();
      Tensor seen = window == null ? x : window.crop(ops, x);
      Tensor part = window == null ? scaled : window.crop(ops, scaled);
      Tensor input = repeated(ops, part, batch.entries().size()); // [n*B, H, W, C]
      float[] timesteps = new float[input.dim(0)];
      Arrays.fill(timesteps, model.schedule().timestep(sigma));
      AttentionWatch watch = look == Look.WATCHED ? watch(batch, x.dim(0)) : null;
      Patches patches = setup.patches();
      Patches inside =
          watch != null
              ? patches.withMiddle(watch)
              : look == Look.PERTURBED ? patches.withMiddle(SelfAttention.OWN_VALUES) : patches;
      Tensor beside = batch.beside();
      Tensor shown = beside == null ? input : ops.concatLast(input, beside);
      NetworkCalls.Network network =
          (call, some) -> {
            Ops inner = call.ops();
            float[] times = some.of(timesteps);
            Steering steering =
                steering(call, batch, some, some.of(inner, input), times, sigma, inside);
            return List.of(
                model.predict(
                    call, some.of(inner, shown), times, some.of(inner, batch.context()), steering));
          };
      int items = shown.dim(0);
      // A watch counts items from the batch's first.
      Tensor output =
          (watch == null
                  ? calls.show(scope, items, countable(batch, shown), network)
                  : network.show(scope, BatchPart.whole(items)))
              .getFirst();
      if (watch != null) {
        attention = watch.sums();
      }
      for (int n = 0; n < batch.entries().size(); n++) {
        Tensor own = ops.sliceFirst(output, n * x.dim(0), (n + 1) * x.dim(0));
        predictions.put(batch.entries().get(n), clean(ops, seen, own, sigma));
      }
    }
    return predictions;
  }

  private static Tensor repeated(Ops ops, Tensor x, int times) {
    Tensor all = x;
    for (int n = 1; n < times; n++) {
      all = ops.concatFirst(all, x);
    }
    return all;
  }

  /** How many items' largest tensors libraries can count, in the UNet and what steers it. */
  private int countable(PromptBatch batch, Tensor x) {
    int widest = model.widestPixel();
    for (PreparedControl control : batch.controls()) {
      widest = Math.max(widest, control.model().widestPixel());
    }
    return LargeTensors.items(x.dim(1), x.dim(2), widest);
  }

  /** Most networks want input of variance 1. Source: Karras et al. 2022, table 1, c_in. */
  private float inputScale(float sigma) {
    return switch (model.prediction()) {
      case EPSILON, VELOCITY, CLEAN, CONSISTENCY -> 1f / F32.sqrt(sigma * sigma + 1f);
      case CLEAN_FROM_UNSCALED, FLOW -> 1f;
    };
  }

  /** Watches the first whole-picture entry to be avoided, if there is one. */
  private static @Nullable AttentionWatch watch(PromptBatch batch, int items) {
    for (int n = 0; n < batch.entries().size() && batch.window() == null; n++) {
      if (batch.entries().get(n).negative()) {
        return new AttentionWatch(n * items, (n + 1) * items);
      }
    }
    return null;
  }

  /** Attention that each token got when it was last watched, {@code [B][T]}; empty before that. */
  float[][] attention() {
    return attention;
  }

  /** What the batch's other networks add for a part of it, which is all that they are shown. */
  private Steering steering(
      TensorScope scope,
      PromptBatch batch,
      BatchPart part,
      Tensor input,
      float[] timesteps,
      float sigma,
      Patches inside) {
    Map<Integer, Tensor> inputs = new HashMap<>();
    Map<Integer, Tensor> skips = new HashMap<>();
    Tensor middle = null;
    Ops ops = scope.ops();
    for (PreparedControl control : batch.controls()) {
      if (control.use().strength() == 0 || !control.acts(model.schedule(), sigma)) {
        continue;
      }
      float strength = (float) control.use().strength();
      ControlModel.Output output = control.prepared().run(scope, part, input, timesteps);
      output.inputs().forEach((n, value) -> add(ops, inputs, n, value, strength));
      output.skips().forEach((n, value) -> add(ops, skips, n, value, strength));
      Tensor own = output.middle();
      if (own != null) {
        Tensor scaled = ops.affine(own, strength, 0f);
        middle = middle == null ? scaled : ops.add(middle, scaled);
      }
    }
    return new Steering(inputs, skips, middle, inside);
  }

  private static void add(Ops ops, Map<Integer, Tensor> sums, int n, Tensor value, float strength) {
    @Nullable Tensor sum = sums.get(n);
    sums.put(
        n,
        sum == null ? ops.affine(value, strength, 0f) : Combine.along(ops, sum, strength, value));
  }

  private Tensor clean(Ops ops, Tensor x, Tensor output, float sigma) {
    return switch (model.prediction()) {
      case EPSILON, FLOW -> ops.linearCombination(1f, x, -sigma, output);
      case VELOCITY -> {
        float variance = sigma * sigma + 1f;
        yield ops.linearCombination(1f / variance, x, -sigma / F32.sqrt(variance), output);
      }
      case CLEAN, CLEAN_FROM_UNSCALED -> output;
      case CONSISTENCY -> {
        float time = model.schedule().timestep(sigma) * CONSISTENCY_TIME;
        float deviation = CONSISTENCY_DEVIATION * CONSISTENCY_DEVIATION;
        float keep = deviation / (time * time + deviation);
        float take = time / F32.sqrt(time * time + deviation);
        yield ops.linearCombination(take + keep, x, -take * sigma, output);
      }
    };
  }

  private List<PlacedEntry> active(List<PlacedEntry> entries, float sigma) {
    NoiseSchedule schedule = model.schedule();
    return entries.stream()
        .filter(
            entry ->
                RunSigmas.within(
                    schedule,
                    sigma,
                    entry.entry().reach().startPercent(),
                    entry.entry().reach().endPercent()))
        .toList();
  }
}
