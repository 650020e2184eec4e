/** Tests of what doctor finds. */
@NullMarked
package quartet.api.doctor;

import org.jspecify.annotations.NullMarked;
