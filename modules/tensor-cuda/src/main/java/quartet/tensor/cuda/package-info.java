/**
 * The CUDA backend: {@link quartet.tensor.Ops} on one NVIDIA GPU. Owns the device's memory, its
 * stream, the compiled kernels, the chosen algorithms of cuBLASLt and cuDNN, and recorded graphs.
 *
 * <p>Images are NHWC, networks compute in 16 bits with float32 sums, samplers in float32.
 */
@NullMarked
package quartet.tensor.cuda;

import org.jspecify.annotations.NullMarked;
