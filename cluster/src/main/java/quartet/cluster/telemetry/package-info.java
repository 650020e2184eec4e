/** What can be measured here, told to whoever measures. Nothing is decided by it. */
@NullMarked
package quartet.cluster.telemetry;

import org.jspecify.annotations.NullMarked;
