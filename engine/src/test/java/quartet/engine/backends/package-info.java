/** The backends that engine tests run on. */
@NullMarked
package quartet.engine.backends;

import org.jspecify.annotations.NullMarked;
