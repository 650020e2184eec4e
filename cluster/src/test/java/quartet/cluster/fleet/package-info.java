/** Tests of the room beside it. */
@NullMarked
package quartet.cluster.fleet;

import org.jspecify.annotations.NullMarked;
