/**
 * Actors and the pure decisions they carry out. Owns who works on what; computes nothing itself.
 */
@NullMarked
package quartet.cluster;

import org.jspecify.annotations.NullMarked;
