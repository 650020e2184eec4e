/**
 * The autoencoder between pixels and latents. Source: Rombach et al. 2022, appendix G; parameter
 * names as in CompVis/stable-diffusion {@code AutoencoderKL}.
 */
@NullMarked
package quartet.engine.model.vae;

import org.jspecify.annotations.NullMarked;
