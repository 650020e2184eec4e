/**
 * NVIDIA GPUs as owned handles: memory, streams, events, kernels, graphs, and what can go wrong
 * with them. Owns the meaning of the driver's status codes; the native calls themselves are in
 * {@code raw}.
 */
@NullMarked
package quartet.cuda;

import org.jspecify.annotations.NullMarked;
