/** Tests of the safetensors reader and writer. */
@NullMarked
package quartet.safetensors;

import org.jspecify.annotations.NullMarked;
