/**
 * The one queue of a server: who is next on which device. Pure: time and events come in, starts go
 * out; the front actor carries them, and the simulation drives the same classes.
 */
@NullMarked
package quartet.cluster.queue;

import org.jspecify.annotations.NullMarked;
