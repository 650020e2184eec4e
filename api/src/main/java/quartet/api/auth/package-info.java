/** Who asks: keys, roles, and whose prompt is whose. Plain decisions; no network. */
@NullMarked
package quartet.api.auth;

import org.jspecify.annotations.NullMarked;
