/** Classes that break a rule of the house on purpose, for its test. Nothing here ships. */
@NullMarked
package quartet.api.canary;

import org.jspecify.annotations.NullMarked;
