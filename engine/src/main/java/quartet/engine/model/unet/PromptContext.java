package quartet.engine.model.unet;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
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

  /** All tensors in a row: key and value of the first block, then of the second, …. */
  public List<Tensor> tensors() {
    return blocks.stream().flatMap(block -> Stream.of(block.key(), block.value())).toList();
  }

  /** From what {@link #tensors} gave. */
  public static PromptContext of(int batch, List<Tensor> tensors) {
    List<KeyValue> blocks = new ArrayList<>();
    for (int i = 0; i < tensors.size(); i += 2) {
      blocks.add(new KeyValue(tensors.get(i), tensors.get(i + 1)));
    }
    return new PromptContext(batch, blocks);
  }

  /** Both {@code [B, U, D]}. */
  public record KeyValue(Tensor key, Tensor value) {}
}
