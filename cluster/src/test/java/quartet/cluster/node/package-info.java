/** What the router decides by. */
@NullMarked
package quartet.cluster.node;

import org.jspecify.annotations.NullMarked;
