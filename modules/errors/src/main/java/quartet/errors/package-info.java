/**
 * Error codes, their kinds, and closing many things safely. Owns the one exception type that
 * crosses rooms when the world (files, devices, clients) misbehaves; misuse by our own code is
 * IllegalArgument/IllegalState instead.
 */
@NullMarked
package quartet.errors;

import org.jspecify.annotations.NullMarked;
