package quartet.engine.model;

import java.util.List;

/**
 * How a model's latents relate to its VAE's, and what their numbers look like as colours.
 *
 * @param channels of a latent
 * @param scale a VAE latent times this is the model's
 * @param rgb per latent channel its share of red, green and blue
 * @param bias added to red, green and blue
 * @param tinyName what the files of its tiny autoencoder's halves are named for
 */
public record LatentFormat(
    int channels, float scale, List<List<Float>> rgb, List<Float> bias, String tinyName) {
  /**
   * Stable Diffusion 1's and 2's scale brings the latents to unit variance. Source: Rombach et al.
   * 2022, G. The colours are a least-squares fit published by the ComfyUI project ({@code
   * SD15.latent_rgb_factors}); they are numbers, not code.
   */
  public static final LatentFormat SD15 =
      new LatentFormat(
          4,
          0.18215f,
          List.of(
              List.of(.3512f, .2297f, .3227f),
              List.of(.3250f, .4974f, .2350f),
              List.of(-.2829f, .1762f, .2721f),
              List.of(-.2120f, -.2616f, -.7177f)),
          List.of(0f, 0f, 0f),
          "taesd");

  /** SDXL's. Source: Podell et al. 2023, table 3; the colours as above ({@code SDXL}). */
  public static final LatentFormat SDXL =
      new LatentFormat(
          4,
          0.13025f,
          List.of(
              List.of(.3651f, .4232f, .4341f),
              List.of(-.2533f, -.0042f, .1068f),
              List.of(.1076f, .1111f, -.0362f),
              List.of(-.3165f, -.2492f, -.2188f)),
          List.of(.1084f, -.0175f, -.0011f),
          "taesdxl");
}
