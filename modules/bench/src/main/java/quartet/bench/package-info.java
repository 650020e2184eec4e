/** Measurements: each prints a ratio against a named reference taken in the same run. */
@NullMarked
package quartet.bench;

import org.jspecify.annotations.NullMarked;
