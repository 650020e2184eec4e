/** Tests of what is sent to whom, without a network. */
@NullMarked
package quartet.api.ws;

import org.jspecify.annotations.NullMarked;
