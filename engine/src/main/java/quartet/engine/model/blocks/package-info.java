/**
 * What every architecture is built with: reading weights under checked shapes, and passing a tensor
 * from block to block. Owns no weights.
 */
@NullMarked
package quartet.engine.model.blocks;

import org.jspecify.annotations.NullMarked;
