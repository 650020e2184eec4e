/** Tests of handles, faults and the search for libraries, on machines without a GPU. */
@NullMarked
package quartet.cuda;

import org.jspecify.annotations.NullMarked;
