/**
 * The native calls: the driver (JCuda and java.lang.foreign), cuBLASLt, cuDNN's graph interface and
 * NVRTC. Owns no decisions; a status leaves it as an exception of {@code quartet.cuda}.
 */
@NullMarked
package quartet.cuda.raw;

import org.jspecify.annotations.NullMarked;
