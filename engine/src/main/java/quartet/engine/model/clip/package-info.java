/**
 * The CLIP text transformer and vision tower. Source: Radford et al. 2021, section 2.4; parameter
 * names as in huggingface/transformers {@code CLIPTextModel}.
 */
@NullMarked
package quartet.engine.model.clip;

import org.jspecify.annotations.NullMarked;
