package quartet.engine.model.unet;

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

  /** Both {@code [B, U, D]}. */
  public record KeyValue(Tensor key, Tensor value) {}
}
