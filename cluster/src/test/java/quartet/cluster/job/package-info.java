/** Tests of the room beside it. */
@NullMarked
package quartet.cluster.job;

import org.jspecify.annotations.NullMarked;
