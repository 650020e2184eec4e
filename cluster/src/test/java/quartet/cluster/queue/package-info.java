/** Tests of the queue's decisions. */
@NullMarked
package quartet.cluster.queue;

import org.jspecify.annotations.NullMarked;
