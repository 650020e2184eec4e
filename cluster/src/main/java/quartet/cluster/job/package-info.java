/**
 * A prompt's life: what it is, what happens to it, how it ended, and where that is kept. Owns no
 * devices.
 */
@NullMarked
package quartet.cluster.job;

import org.jspecify.annotations.NullMarked;
