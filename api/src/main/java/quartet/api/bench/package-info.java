/** Measuring a running server from outside, as a client sees it. */
@NullMarked
package quartet.api.bench;

import org.jspecify.annotations.NullMarked;
