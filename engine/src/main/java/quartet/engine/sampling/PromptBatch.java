package quartet.engine.sampling;

import java.util.ArrayList;
import java.util.List;
import quartet.engine.model.DiffusionModel;
import quartet.engine.model.unet.PromptContext;
import quartet.engine.value.Conditioning;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;
import quartet.tensor.TensorScope;

/**
 * Prompts that go through the network in one call: for each of them, in this order, a whole batch
 * of latents.
 *
 * <p>Prompts of different lengths go together if repeating them reaches a common length soon
 * enough; a repeated prompt has the same attention. Source: ComfyUI {@code calc_cond_batch} and
 * {@code CONDCrossAttn} (behaviour).
 */
record PromptBatch(List<Conditioning.Entry> entries, PromptContext context) {
  /** How many times longer than the shortest prompt the common length may be. */
  private static final int MAX_REPEATS = 4;

  /**
   * Groups prompts and prepares each group.
   *
   * @param entries those under the prompt first, then those under the negative one
   * @param scope owns the prepared prompts
   * @param batch latents per prompt
   */
  static List<PromptBatch> of(
      List<Conditioning.Entry> entries, DiffusionModel model, TensorScope scope, int batch) {
    List<PromptBatch> batches = new ArrayList<>();
    List<Conditioning.Entry> left = new ArrayList<>(entries);
    while (!left.isEmpty()) {
      int length = left.getFirst().tokenCount();
      List<Conditioning.Entry> group = new ArrayList<>();
      for (Conditioning.Entry entry : left) {
        if (fits(length, entry.tokenCount())) {
          group.add(entry);
        }
      }
      left.removeAll(group);
      // The negative prompt comes first in the batch, as in the reference.
      List<Conditioning.Entry> ordered = group.reversed();
      batches.add(
          new PromptBatch(List.copyOf(ordered), model.prepare(scope, tokens(ordered, batch))));
    }
    return batches;
  }

  private static boolean fits(int first, int second) {
    return lcm(first, second) / Math.min(first, second) <= MAX_REPEATS;
  }

  /** {@code [prompts * batch, T, D]}. */
  private static HostTensor tokens(List<Conditioning.Entry> entries, int batch) {
    int width = entries.getFirst().width();
    int length = 1;
    for (Conditioning.Entry entry : entries) {
      length = lcm(length, entry.tokenCount());
    }
    float[] values = new float[Math.toIntExact((long) entries.size() * batch * length * width)];
    int at = 0;
    for (Conditioning.Entry entry : entries) {
      float[] tokens = entry.tokens();
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
