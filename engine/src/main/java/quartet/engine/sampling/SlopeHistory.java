package quartet.engine.sampling;

import java.util.ArrayList;
import java.util.List;
import quartet.tensor.Tensor;

/** The newest slopes of a multistep sampler, newest first. */
final class SlopeHistory {
  private final int limit;
  private final List<Tensor> slopes = new ArrayList<>();

  /**
   * An empty history.
   *
   * @param limit slopes to keep; a run keeps the tensors of four steps besides the newest
   */
  SlopeHistory(int limit) {
    this.limit = limit;
  }

  void add(Tensor slope) {
    slopes.addFirst(slope);
    if (slopes.size() > limit) {
      slopes.removeLast();
    }
  }

  /** As many of the newest as asked for. */
  List<Tensor> newest(int count) {
    return slopes.subList(0, count);
  }

  int size() {
    return slopes.size();
  }
}
