@NullMarked
package quartet.api.telemetry;

import org.jspecify.annotations.NullMarked;
