/** The log as clients see it: the last lines, and new ones as they come. Owns a bounded copy. */
@NullMarked
package quartet.api.logs;

import org.jspecify.annotations.NullMarked;
