/** Tests of noise against PyTorch's. */
@NullMarked
package quartet.rng;

import org.jspecify.annotations.NullMarked;
