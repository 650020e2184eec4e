/** The testkit's own tests. */
@NullMarked
package quartet.testkit;

import org.jspecify.annotations.NullMarked;
