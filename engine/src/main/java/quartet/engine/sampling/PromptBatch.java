package quartet.engine.sampling;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.DiffusionModel;
import quartet.engine.model.ImageLabel;
import quartet.engine.model.LabelKind;
import quartet.engine.model.SizeLabel;
import quartet.engine.model.unet.PromptContext;
import quartet.engine.value.Conditioning;
import quartet.engine.value.LatentBatch;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Prompts that go through the network in one call: for each of them, in this order, a whole batch
 * of latents.
 *
 * <p>Prompts of different lengths go together if repeating them reaches a common length soon
 * enough; a repeated prompt has the same attention. Source: ComfyUI {@code calc_cond_batch} and
 * {@code CONDCrossAttn} (behaviour).
 *
 * @param beside what an inpainting model sees beside the latent, {@code [prompts*B, h, w, 5]}, or
 *     null
 * @param controls networks that run before, prepared for these prompts
 */
record PromptBatch(
    List<PlacedEntry> entries,
    PromptContext context,
    @Nullable Window window,
    @Nullable Tensor beside,
    List<PreparedControl> controls) {
  /** How many times longer than the shortest prompt the common length may be. */
  private static final int MAX_REPEATS = 4;

  /**
   * Groups prompts and prepares each group.
   *
   * @param entries those under the prompt first, then those under the negative one
   */
  static List<PromptBatch> of(List<PlacedEntry> entries, RunSetup setup) {
    List<PromptBatch> batches = new ArrayList<>();
    List<PlacedEntry> left = new ArrayList<>(entries);
    while (!left.isEmpty()) {
      PlacedEntry first = left.getFirst();
      List<PlacedEntry> group = new ArrayList<>();
      for (PlacedEntry entry : left) {
        if (fits(first, entry)) {
          group.add(entry);
        }
      }
      left.removeAll(group);
      // The negative prompt comes first in the batch, as in the reference.
      batches.add(prepared(List.copyOf(group.reversed()), setup));
    }
    return batches;
  }

  private static boolean fits(PlacedEntry first, PlacedEntry second) {
    int a = first.entry().tokenCount();
    int b = second.entry().tokenCount();
    return lcm(a, b) / Math.min(a, b) <= MAX_REPEATS
        && first.entry().width() == second.entry().width()
        && Objects.equals(first.window(), second.window())
        && first.entry().controls().equals(second.entry().controls());
  }

  private static PromptBatch prepared(List<PlacedEntry> group, RunSetup setup) {
    DiffusionModel model = setup.model();
    TensorScope scope = setup.scope();
    LatentBatch latent = setup.latent();
    PlacedEntry first = group.getFirst();
    HostTensor tokens = tokens(group, latent.batch());
    HostTensor labels = labels(group, model.labelWidth(), setup);
    Tensor beside =
        model.besideChannels() == 0
            ? null
            : InpaintInput.of(scope, group, first.window(), model.latentFormat(), latent);
    List<PreparedControl> controls = new ArrayList<>();
    for (Conditioning.ControlUse use : first.entry().controls()) {
      controls.add(
          PreparedControl.of(
              use, setup.nets().find(use.net()), setup, tokens, group, first.window()));
    }
    return new PromptBatch(
        group, model.prepare(scope, tokens, labels), first.window(), beside, controls);
  }

  /** {@code [prompts * batch, L]}, or null for a model without labels. */
  static @Nullable HostTensor labels(List<PlacedEntry> group, int width, RunSetup setup) {
    if (width == 0) {
      return null;
    }
    LatentBatch latent = setup.latent();
    float[] values = new float[group.size() * latent.batch() * width];
    int at = 0;
    for (PlacedEntry entry : group) {
      float[] label =
          setup.model().label() == LabelKind.IMAGE
              ? ImageLabel.of(entry.entry(), width, setup.seed())
              : SizeLabel.of(
                  entry.entry(), width, latent.height(), latent.width(), entry.negative());
      for (int b = 0; b < latent.batch(); b++) {
        System.arraycopy(label, 0, values, at, width);
        at += width;
      }
    }
    return HostTensor.of(Shape.of((long) group.size() * latent.batch(), width), values);
  }

  /** {@code [prompts * batch, T, D]}. */
  private static HostTensor tokens(List<PlacedEntry> entries, int batch) {
    int width = entries.getFirst().entry().width();
    int length = 1;
    for (PlacedEntry entry : entries) {
      length = lcm(length, entry.entry().tokenCount());
    }
    float[] values = new float[Math.toIntExact((long) entries.size() * batch * length * width)];
    int at = 0;
    for (PlacedEntry entry : entries) {
      float[] tokens = entry.entry().tokens();
      for (int end = at + batch * length * width; at < end; at += tokens.length) {
        System.arraycopy(tokens, 0, values, at, tokens.length);
      }
    }
    return HostTensor.of(Shape.of((long) entries.size() * batch, length, width), values);
  }

  private static int lcm(int a, int b) {
    int x = a;
    int y = b;
    while (y != 0) {
      int rest = x % y;
      x = y;
      y = rest;
    }
    return a / x * b;
  }
}
