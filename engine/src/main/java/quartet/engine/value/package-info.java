/**
 * The values that travel between nodes: images, latents, masks, conditionings, and references to
 * models. All are immutable and live on the host, so that they can be cached, compared and handed
 * to another device.
 */
@NullMarked
package quartet.engine.value;

import org.jspecify.annotations.NullMarked;
