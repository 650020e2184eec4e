/**
 * Reads and writes safetensors files. Owns the mapping of a file and nothing that points into it.
 */
@NullMarked
package quartet.safetensors;

import org.jspecify.annotations.NullMarked;
