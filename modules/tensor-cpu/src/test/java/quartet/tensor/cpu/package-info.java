/** Tests of the CPU backends: one contract for both, and the fast one against the reference. */
@NullMarked
package quartet.tensor.cpu;

import org.jspecify.annotations.NullMarked;
