package quartet.engine.sampling;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.value.LatentBatch;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * The mean of entries' predictions, place by place by how much each counts there. The weights are
 * known before the run, so their sum is divided out on the host and a step only multiplies and
 * adds.
 *
 * <p>Owner: of the weights on the device, in the run's scope.
 */
final class Averaging {
  /** Keeps places that nobody covers from dividing by zero. Source: ComfyUI (behaviour). */
  private static final float NOBODY = 1e-37f;

  private final List<PlacedEntry> entries;
  private final LatentBatch latent;
  private final IdentityHashMap<PlacedEntry, Tensor> shares = new IdentityHashMap<>();
  private final float[] scalars;

  Averaging(List<PlacedEntry> entries, LatentBatch latent, TensorScope runScope) {
    this.entries = entries;
    this.latent = latent;
    this.scalars = new float[entries.size()];
    if (entries.stream().allMatch(PlacedEntry::everywhere)) {
      float total = 0;
      for (PlacedEntry entry : entries) {
        total += entry.entry().reach().strength();
      }
      for (int i = 0; i < scalars.length; i++) {
        scalars[i] = total == 0 ? 0 : entries.get(i).entry().reach().strength() / total;
      }
    } else {
      upload(runScope);
    }
  }

  private void upload(TensorScope runScope) {
    float[] total = new float[latent.batch() * latent.height() * latent.width()];
    java.util.Arrays.fill(total, NOBODY);
    for (PlacedEntry entry : entries) {
      visit(entry, (place, weight, index) -> total[place] += weight);
    }
    for (PlacedEntry entry : entries) {
      Window window = window(entry);
      int channels = latent.channels();
      float[] share = new float[latent.batch() * window.area() * channels];
      visit(
          entry,
          (place, weight, index) -> {
            for (int c = 0; c < channels; c++) {
              share[index * channels + c] = weight / total[place];
            }
          });
      Shape shape = Shape.of(latent.batch(), window.height(), window.width(), channels);
      shares.put(entry, runScope.ops().upload(HostTensor.of(shape, share)));
    }
  }

  @FunctionalInterface
  private interface Visitor {
    /** A place of the latent, an entry's weight there, and the place within the entry's window. */
    void at(int place, float weight, int index);
  }

  private void visit(PlacedEntry entry, Visitor visitor) {
    Window window = window(entry);
    float @Nullable [] weights = entry.weights();
    int index = 0;
    for (int b = 0; b < latent.batch(); b++) {
      for (int y = 0; y < window.height(); y++) {
        int place = (b * latent.height() + window.y() + y) * latent.width() + window.x();
        for (int x = 0; x < window.width(); x++) {
          float weight = weights == null ? entry.entry().reach().strength() : weights[index];
          visitor.at(place + x, weight, index);
          index++;
        }
      }
    }
  }

  private Window window(PlacedEntry entry) {
    Window window = entry.window();
    return window == null ? new Window(0, 0, latent.height(), latent.width()) : window;
  }

  /** The mean; zeros where nobody counts. */
  Tensor of(Ops ops, Tensor x, IdentityHashMap<PlacedEntry, Tensor> predictions) {
    if (entries.isEmpty()) {
      return ops.affine(x, 0f, 0f);
    }
    List<Tensor> terms = new ArrayList<>();
    for (PlacedEntry entry : entries) {
      Tensor prediction = predictions.get(entry);
      if (prediction == null) {
        throw new IllegalStateException("an entry was not predicted");
      }
      terms.add(prediction);
    }
    if (shares.isEmpty()) {
      boolean nothing = true;
      for (float scalar : scalars) {
        nothing &= scalar == 0;
      }
      return nothing
          ? ops.affine(x, 0f, 0f)
          : terms.size() == 1 ? terms.getFirst() : Combine.sum(ops, scalars, terms);
    }
    Tensor sum = null;
    for (int i = 0; i < terms.size(); i++) {
      PlacedEntry entry = entries.get(i);
      Tensor share = shares.get(entry);
      if (share == null) {
        throw new IllegalStateException("an entry has no share");
      }
      Tensor term = ops.multiply(terms.get(i), share);
      if (entry.window() != null) {
        term = entry.window().place(ops, term, latent.height(), latent.width());
      }
      sum = sum == null ? term : ops.add(sum, term);
    }
    return sum == null ? ops.affine(x, 0f, 0f) : sum;
  }
}
