/** Tests of the room beside it. */
@NullMarked
package quartet.cluster.model;

import org.jspecify.annotations.NullMarked;
