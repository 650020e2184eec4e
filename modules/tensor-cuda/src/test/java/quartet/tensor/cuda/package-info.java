/** The CUDA backend against the reference, where there is a GPU; its bookkeeping everywhere. */
@NullMarked
package quartet.tensor.cuda;

import org.jspecify.annotations.NullMarked;
