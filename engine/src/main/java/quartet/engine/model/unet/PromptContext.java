package quartet.engine.model.unet;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.tensor.Tensor;

/**
 * A prompt as the UNet sees it: keys and values of every transformer block, in the order the blocks
 * run, and what is added to the time embedding. Constant over a run's steps.
 *
 * <p>Owner: the scope it was prepared in.
 *
 * @param batch prompts side by side
 * @param label {@code [B, E]}, what the label embedding gave, or null for networks without one
 */
public record PromptContext(int batch, List<KeyValue> blocks, @Nullable Tensor label) {
  /** Copies the list. */
  public PromptContext {
    blocks = List.copyOf(blocks);
  }

  /** All tensors in a row: the label if there is one, then key and value of each block. */
  public List<Tensor> tensors() {
    List<Tensor> tensors = new ArrayList<>();
    if (label != null) {
      tensors.add(label);
    }
    for (KeyValue block : blocks) {
      tensors.add(block.key());
      tensors.add(block.value());
    }
    return tensors;
  }

  /** From what {@link #tensors} gave. */
  public static PromptContext of(int batch, List<Tensor> tensors, boolean labelled) {
    List<KeyValue> blocks = new ArrayList<>();
    for (int i = labelled ? 1 : 0; i < tensors.size(); i += 2) {
      blocks.add(new KeyValue(tensors.get(i), tensors.get(i + 1)));
    }
    return new PromptContext(batch, blocks, labelled ? tensors.getFirst() : null);
  }

  /** Both {@code [B, U, D]}. */
  public record KeyValue(Tensor key, Tensor value) {}
}
