/** The command line: one class per command. */
@NullMarked
package quartet.api.cli;

import org.jspecify.annotations.NullMarked;
