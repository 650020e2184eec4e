/** WebSockets: who listens, and which event goes to whom in which form. Owns the connections. */
@NullMarked
package quartet.api.ws;

import org.jspecify.annotations.NullMarked;
