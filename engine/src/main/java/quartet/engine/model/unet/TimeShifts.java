package quartet.engine.model.unet;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Tensor;

/**
 * What the time adds in the middle of each residual block. All blocks project the same embedding,
 * so one product does it for all of them: twenty small ones would wait for each other.
 */
final class TimeShifts {
  private final Parameters.Linear joined;
  private final List<Integer> widths = new ArrayList<>();

  /**
   * Loads the projections.
   *
   * @param names of the projections below {@code weights}, in the order in which their blocks run
   * @param embeddingWidth of the time embedding
   */
  TimeShifts(WeightCursor weights, List<String> names, int embeddingWidth) {
    joined = weights.linears(names, embeddingWidth);
    names.forEach(name -> widths.add(weights.shape(name + ".weight").dim(0)));
  }

  /**
   * One tensor {@code [B, Cout]} per block, in the order in which they run.
   *
   * @param embedding {@code [B, E]}, SiLU of the time embedding
   */
  Iterator<Tensor> of(Ops ops, Tensor embedding) {
    Tensor all = ops.linear(embedding, joined, Activation.NONE, null); // [B, sum of Cout]
    List<Tensor> shifts = new ArrayList<>();
    int at = 0;
    for (int width : widths) {
      shifts.add(ops.sliceLast(all, at, at + width)); // [B, Cout]
      at += width;
    }
    return shifts.iterator();
  }
}
