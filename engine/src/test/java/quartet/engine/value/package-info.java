/** Tests of the values between nodes. */
@NullMarked
package quartet.engine.value;

import org.jspecify.annotations.NullMarked;
