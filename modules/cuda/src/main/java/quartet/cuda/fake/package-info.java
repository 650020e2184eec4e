/**
 * A driver that keeps books instead of computing: who owns what, what is freed twice, and faults on
 * demand. For tests of everything above the driver on machines without a GPU.
 */
@NullMarked
package quartet.cuda.fake;

import org.jspecify.annotations.NullMarked;
