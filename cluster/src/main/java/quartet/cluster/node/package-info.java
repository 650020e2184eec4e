/** The front actor of a server: admission, placement, and the one view over all devices. */
@NullMarked
package quartet.cluster.node;

import org.jspecify.annotations.NullMarked;
