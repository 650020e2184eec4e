/** The journal: reading, flushing, failing. */
@NullMarked
package quartet.cluster.journal;

import org.jspecify.annotations.NullMarked;
