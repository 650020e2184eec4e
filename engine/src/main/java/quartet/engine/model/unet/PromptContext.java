package quartet.engine.model.unet;

import java.util.List;
import quartet.tensor.Tensor;

/**
 * A prompt as the UNet's attention sees it: keys and values of every transformer block, in the
 * order the blocks run. Constant over a run's steps.
 *
 * <p>Owner: the scope it was prepared in.
 *
 * @param batch prompts side by side
 */
public record PromptContext(int batch, List<KeyValue> blocks) {
  /** Copies the list. */
  public PromptContext {
    blocks = List.copyOf(blocks);
  }

  /** Both {@code [B, U, D]}. */
  public record KeyValue(Tensor key, Tensor value) {}
}
