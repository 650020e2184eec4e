package quartet.engine.model.blocks;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** How a checkpoint or a value for it can be wrong. */
public enum ModelErrorCode implements ErrorCode {
  /** The file holds no architecture we know. */
  CHECKPOINT_ARCHITECTURE_UNKNOWN(ErrorKind.INPUT),
  /** A tensor the architecture needs is not in the file. */
  CHECKPOINT_TENSOR_MISSING(ErrorKind.INPUT),
  /** A tensor has another shape, dtype or content than the architecture needs. */
  CHECKPOINT_TENSOR_UNFIT(ErrorKind.INPUT),
  /** A LoRA is damaged or was trained for another model. */
  LORA_UNFIT(ErrorKind.INPUT),
  /** An image, latent or conditioning does not fit the model. */
  MODEL_INPUT_UNFIT(ErrorKind.INPUT);

  private final ErrorKind kind;

  ModelErrorCode(ErrorKind kind) {
    this.kind = kind;
  }

  @Override
  public ErrorKind kind() {
    return kind;
  }
}
