/** Which device a prompt goes to, and why. Pure: state comes in, a decision goes out. */
@NullMarked
package quartet.cluster.placement;

import org.jspecify.annotations.NullMarked;
