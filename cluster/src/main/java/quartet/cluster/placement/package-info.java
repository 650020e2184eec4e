/**
 * What a prompt costs, how long it takes on which device, and so which device it goes to, and why.
 * Pure: state comes in, a decision goes out.
 */
@NullMarked
package quartet.cluster.placement;

import org.jspecify.annotations.NullMarked;
