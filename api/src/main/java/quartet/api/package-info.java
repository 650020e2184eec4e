/** The outermost room: Main starts the command line. Owns the process, nothing else. */
@NullMarked
package quartet.api;

import org.jspecify.annotations.NullMarked;
