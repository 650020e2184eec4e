/**
 * Starts and stops a server: devices, actors, plug-ins, HTTP, in the order that operators see in
 * the log. {@code Server} is that order; its parts are made beside it.
 */
@NullMarked
package quartet.api.serve;

import org.jspecify.annotations.NullMarked;
