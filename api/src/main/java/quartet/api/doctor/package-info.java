/**
 * Looks at a machine and says what stands in Quartet's way and what to do about it. Owns nothing
 * and changes nothing.
 */
@NullMarked
package quartet.api.doctor;

import org.jspecify.annotations.NullMarked;
