/** Tests of the room beside it. */
@NullMarked
package quartet.cluster.placement;

import org.jspecify.annotations.NullMarked;
