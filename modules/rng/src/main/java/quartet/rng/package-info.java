/**
 * Random numbers equal to PyTorch's on the CPU. Owns generator state; every draw is in the caller's
 * order.
 */
@NullMarked
package quartet.rng;

import org.jspecify.annotations.NullMarked;
