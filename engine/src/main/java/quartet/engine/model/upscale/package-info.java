/**
 * Networks that make pictures larger, and the tiles they are fed with. Source: Wang et al. 2018,
 * "ESRGAN".
 */
@NullMarked
package quartet.engine.model.upscale;

import org.jspecify.annotations.NullMarked;
