package quartet.api.ws;

import java.util.Locale;
import java.util.Optional;

/** How a preview is made of latents. */
public enum PreviewMethod {
  /** No previews. */
  NONE,
  /** The best there is: {@link #LATENT2RGB}. */
  AUTO,
  /** A linear map to RGB. */
  LATENT2RGB,
  /** A tiny autoencoder; there is none here, so {@link #LATENT2RGB} stands in, as in ComfyUI. */
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
