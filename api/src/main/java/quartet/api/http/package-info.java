/** HTTP routes, one file per resource. Owns the mapping from requests to messages, no decisions. */
@NullMarked
package quartet.api.http;

import org.jspecify.annotations.NullMarked;
