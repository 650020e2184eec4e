/**
 * One actor per device: its running prompt, its health, its figures. The work itself is on the
 * device's thread; what follows from it is decided by classes that know no actors.
 */
@NullMarked
package quartet.cluster.gpu;

import org.jspecify.annotations.NullMarked;
