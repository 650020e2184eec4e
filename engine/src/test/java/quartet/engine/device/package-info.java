/** Tests of one device's worker and of who holds a checkpoint. */
@NullMarked
package quartet.engine.device;

import org.jspecify.annotations.NullMarked;
