/** Tests of simulated devices. */
@NullMarked
package quartet.engine.sim;

import org.jspecify.annotations.NullMarked;
