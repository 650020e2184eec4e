/**
 * One actor per device: its bounded queue, its running prompt, its figures. The work itself is on
 * the device's thread.
 */
@NullMarked
package quartet.cluster.gpu;

import org.jspecify.annotations.NullMarked;
