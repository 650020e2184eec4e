/**
 * Low-rank changes to a part's weights: reading them under all the names in use, and adding them to
 * each tensor as it is asked for. Owns no weights.
 */
@NullMarked
package quartet.engine.model.lora;

import org.jspecify.annotations.NullMarked;
