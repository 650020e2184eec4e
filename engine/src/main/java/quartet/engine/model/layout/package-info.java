/**
 * How files name the parts of a model: which file holds what, and the way from its names to ours.
 * Owns names only, no numbers.
 */
@NullMarked
package quartet.engine.model.layout;

import org.jspecify.annotations.NullMarked;
