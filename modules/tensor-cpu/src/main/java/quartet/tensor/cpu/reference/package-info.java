/**
 * The oracle: every op as plain loops over float arrays, summed in double. Slow on purpose, and
 * never tuned; what the fast backends compute is right when it agrees with this.
 */
@NullMarked
package quartet.tensor.cpu.reference;

import org.jspecify.annotations.NullMarked;
