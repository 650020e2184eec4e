/** Tests of the room beside it. */
@NullMarked
package quartet.cluster.gpu;

import org.jspecify.annotations.NullMarked;
