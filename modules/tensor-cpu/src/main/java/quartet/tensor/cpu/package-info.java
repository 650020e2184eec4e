/**
 * The fast CPU backend: oneDNN products, Winograd convolutions and Vector API loops. Owns its
 * threads and its off-heap memory.
 */
@NullMarked
package quartet.tensor.cpu;

import org.jspecify.annotations.NullMarked;
