/** Checks that what the benchmarks count is what they say. */
@NullMarked
package quartet.bench;

import org.jspecify.annotations.NullMarked;
