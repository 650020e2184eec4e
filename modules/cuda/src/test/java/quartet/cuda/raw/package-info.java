/** Tests of the search for libraries. */
@NullMarked
package quartet.cuda.raw;

import org.jspecify.annotations.NullMarked;
