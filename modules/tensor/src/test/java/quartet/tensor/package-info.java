/** Tests of shapes, devices and host tensors. */
@NullMarked
package quartet.tensor;

import org.jspecify.annotations.NullMarked;
