/** Tests of errors and of closing. */
@NullMarked
package quartet.errors;

import org.jspecify.annotations.NullMarked;
