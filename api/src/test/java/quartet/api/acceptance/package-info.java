/**
 * The operators' acceptance steps, against the real server as a process of its own. Owns that
 * process.
 */
@NullMarked
package quartet.api.acceptance;

import org.jspecify.annotations.NullMarked;
