package quartet.engine.model.clip;

import quartet.tensor.Activation;

/** The text encoders of CLIP's family that models were trained with. */
public enum ClipKind {
  /** OpenAI's ViT-L/14: Stable Diffusion 1, and the first of SDXL's two. */
  L("CLIP-L", "clip_l.", Activation.QUICK_GELU, false),
  /** OpenCLIP's ViT-H/14: Stable Diffusion 2. */
  H("OpenCLIP-H", "clip_h.", Activation.GELU, true),
  /** OpenCLIP's ViT-bigG/14: the second of SDXL's two, and its refiner's only one. */
  G("OpenCLIP-bigG", "clip_g.", Activation.GELU, true);

  private final String title;
  private final String prefix;
  private final Activation activation;
  private final boolean padsWithZero;

  ClipKind(String title, String prefix, Activation activation, boolean padsWithZero) {
    this.title = title;
    this.prefix = prefix;
    this.activation = activation;
    this.padsWithZero = padsWithZero;
  }

  /** What it is called. */
  public String title() {
    return title;
  }

  /** What its weights' names begin with. */
  public String prefix() {
    return prefix;
  }

  /** Between the two products of the MLP. */
  public Activation activation() {
    return activation;
  }

  /** Whether windows are filled up with id 0 instead of the end token. */
  public boolean padsWithZero() {
    return padsWithZero;
  }
}
