package quartet.engine.model.unet;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Items of a batch, next to each other, that a network is shown in one call.
 *
 * <p>Errors: IllegalArgumentException if what is to be cut has another number of items than the
 * batch.
 *
 * @param from first item
 * @param to behind the last item
 * @param items of the whole batch
 */
public record BatchPart(int from, int to, int items) {
  /** All of them. */
  public static BatchPart whole(int items) {
    return new BatchPart(0, items, items);
  }

  private boolean isWhole() {
    return from == 0 && to == items;
  }

  /**
   * Its items of all.
   *
   * @param x {@code [items, ...]}
   * @return {@code [to - from, ...]}; no copy
   */
  public Tensor of(Ops ops, Tensor x) {
    check(x.dim(0));
    return isWhole() ? x : ops.sliceFirst(x, from, to);
  }

  /** Its items of all, one number each. */
  public float[] of(float[] x) {
    check(x.length);
    return isWhole() ? x : Arrays.copyOfRange(x, from, to);
  }

  /** Its items' prompts. */
  public PromptContext of(Ops ops, PromptContext context) {
    if (isWhole()) {
      return context;
    }
    List<PromptContext.KeyValue> blocks = new ArrayList<>();
    for (PromptContext.KeyValue block : context.blocks()) {
      blocks.add(new PromptContext.KeyValue(of(ops, block.key()), of(ops, block.value())));
    }
    @Nullable Tensor label = context.label();
    return new PromptContext(to - from, blocks, label == null ? null : of(ops, label));
  }

  private void check(int found) {
    if (found != items) {
      throw new IllegalArgumentException(
          "a batch of %d items is to be cut, but this has %d".formatted(items, found));
    }
  }
}
