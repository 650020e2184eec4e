/**
 * Checkpoints as networks: which architecture a file holds, its parts on one device, and what
 * sampling needs to know of them. Owns the parameters on the device; host weights belong to the
 * file.
 */
@NullMarked
package quartet.engine.model;

import org.jspecify.annotations.NullMarked;
