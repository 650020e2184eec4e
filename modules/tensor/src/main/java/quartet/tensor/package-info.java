/**
 * The vocabulary every backend and every model speaks: devices, dtypes, shapes, tensors, scopes,
 * ops. Owns no memory and no arithmetic; the only code that moves numbers here converts between
 * host dtypes.
 *
 * <p>Shape letters: B batch, H height, W width, C channels, T tokens, D width of a token, N heads,
 * S head dim. Activations are NHWC ({@code [B, H, W, C]}) and tokens {@code [B, T, D]}, so that an
 * image is a token list without a copy.
 */
@NullMarked
package quartet.tensor;

import org.jspecify.annotations.NullMarked;
