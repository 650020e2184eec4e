package quartet.engine.node;

import java.util.Locale;
import java.util.Optional;

/** How a picture is made of latents while they are sampled, under ComfyUI's names. */
public enum PreviewMethod {
  /** No pictures. */
  NONE,
  /** {@link #LATENT2RGB}, which costs next to nothing. Source: ComfyUI (behaviour). */
  AUTO,
  /** A linear map to RGB, one pixel per latent pixel. */
  LATENT2RGB,
  /** A tiny autoencoder from {@code vae_approx}; where there is none, {@link #LATENT2RGB}. */
  TAESD;

  /** The method of that name on the wire. */
  public static Optional<PreviewMethod> named(String name) {
    for (PreviewMethod method : values()) {
      if (method.name().toLowerCase(Locale.ROOT).equals(name)) {
        return Optional.of(method);
      }
    }
    return Optional.empty();
  }

  /** Whether anything is drawn. */
  public boolean draws() {
    return this != NONE;
  }
}
