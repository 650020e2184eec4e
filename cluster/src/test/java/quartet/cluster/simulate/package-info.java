/** Thousands of simulated runs. */
@NullMarked
package quartet.cluster.simulate;

import org.jspecify.annotations.NullMarked;
