/**
 * Batches that run on several devices at once: which prompts can be split, into what, and how the
 * pictures come together again. Owns the form of the parts.
 */
@NullMarked
package quartet.cluster.split;

import org.jspecify.annotations.NullMarked;
