/**
 * The one queue of a server: who is next on which device. Pure: time and events come in, starts go
 * out; the front actor carries them, and the simulation drives the same classes. {@code NodeQueue}
 * is the door; {@code Backlog} and {@code GpuSlots} keep the state, {@code Assignment}, {@code
 * Reordering} and {@code Forecast} decide on it.
 */
@NullMarked
package quartet.cluster.queue;

import org.jspecify.annotations.NullMarked;
