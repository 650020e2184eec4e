package quartet.engine.model;

import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.style.StyleAdapter;
import quartet.engine.value.SeenImages;
import quartet.errors.EngineException;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;
import quartet.tensor.TensorScope;

/**
 * A style adapter on a device: what a vision tower saw to tokens of a prompt. Owner: its {@link
 * CheckpointModels}. Thread: the device's.
 */
public final class StyleModel {
  private final Backend backend;
  private final StyleAdapter adapter;

  StyleModel(Backend backend, StyleAdapter adapter) {
    this.backend = backend;
    this.adapter = adapter;
  }

  /** Width of the tokens that it makes. */
  public int contextWidth() {
    return adapter.contextWidth();
  }

  /**
   * The tokens of all pictures one after the other, {@code [batch * count, E]}.
   *
   * @throws EngineException if another kind of tower has seen them
   */
  public float[] tokens(SeenImages seen) {
    if (seen.width() != adapter.seenWidth()) {
      throw new EngineException(
          ModelErrorCode.MODEL_INPUT_UNFIT,
          "The pictures were seen with %d numbers a token, but this style model wants %d: it was made for another vision tower."
              .formatted(seen.width(), adapter.seenWidth()));
    }
    int item = seen.tokens() * seen.width();
    int made = adapter.count() * adapter.contextWidth();
    float[] all = new float[seen.batch() * made];
    for (int b = 0; b < seen.batch(); b++) {
      float[] hidden = java.util.Arrays.copyOfRange(seen.hidden(), b * item, (b + 1) * item);
      HostTensor state = HostTensor.of(Shape.of(seen.tokens(), seen.width()), hidden);
      try (TensorScope scope = backend.openScope("style")) {
        float[] tokens = scope.ops().download(adapter.forward(scope, state));
        System.arraycopy(tokens, 0, all, b * made, made);
      }
    }
    return all;
  }
}
