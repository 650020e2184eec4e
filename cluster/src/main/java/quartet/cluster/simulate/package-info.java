/**
 * Whole servers in one thread, from a seed: the queue's and the journal's own decisions with a
 * pretended clock, devices that pretend to work, and everything that can go wrong.
 */
@NullMarked
package quartet.cluster.simulate;

import org.jspecify.annotations.NullMarked;
