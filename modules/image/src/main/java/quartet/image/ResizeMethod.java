package quartet.image;

import java.util.Locale;

/** Ways of resizing, under the names that workflows use. */
public enum ResizeMethod {
  /** The source pixel under the middle of the target pixel. */
  NEAREST_EXACT,
  /** Linear between four neighbours, without smoothing when it shrinks. */
  BILINEAR,
  /** Mean over the covered source pixels. */
  AREA,
  /** Cubic convolution with a = -0.75. Source: Keys 1981, eq. 4; the parameter is PyTorch's. */
  BICUBIC,
  /**
   * Cubic convolution with a = -0.5, with smoothing when it shrinks. Source: Keys 1981, eq. 4;
   * PyTorch {@code interpolate(mode="bicubic", antialias=True)}. No workflow names it.
   */
  SMOOTH_BICUBIC,
  /** Windowed sinc of three lobes with smoothing, in 8 bits as Pillow does. Source: Duchon 1979. */
  LANCZOS;

  /** Name in workflows, such as {@code nearest-exact}. */
  public String wireName() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * The method of that name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static ResizeMethod named(String wireName) {
    return valueOf(wireName.toUpperCase(Locale.ROOT).replace('-', '_'));
  }
}
