/** Tests of what the commands read, without a server. */
@NullMarked
package quartet.api.cli;

import org.jspecify.annotations.NullMarked;
