/**
 * The JSON that clients see, and only that: from our records to ComfyUI's shapes and back. Owns no
 * state.
 */
@NullMarked
package quartet.api.wire;

import org.jspecify.annotations.NullMarked;
