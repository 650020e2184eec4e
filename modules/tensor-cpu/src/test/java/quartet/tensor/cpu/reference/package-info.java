/** The oracle against numbers worked out by hand. */
@NullMarked
package quartet.tensor.cpu.reference;

import org.jspecify.annotations.NullMarked;
