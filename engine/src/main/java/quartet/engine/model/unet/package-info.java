/**
 * The denoising UNet of latent diffusion. Source: Rombach et al. 2022, appendix; parameter names as
 * in CompVis/stable-diffusion {@code UNetModel}.
 */
@NullMarked
package quartet.engine.model.unet;

import org.jspecify.annotations.NullMarked;
