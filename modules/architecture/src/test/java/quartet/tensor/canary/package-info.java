/** Classes that break a rule of the house on purpose, for its test. Nothing here ships. */
@NullMarked
package quartet.tensor.canary;

import org.jspecify.annotations.NullMarked;
