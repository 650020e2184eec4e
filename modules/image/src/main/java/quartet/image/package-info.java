/** Pixels outside the model: PNG with text chunks, JPEG, resizing. Owns no device memory. */
@NullMarked
package quartet.image;

import org.jspecify.annotations.NullMarked;
