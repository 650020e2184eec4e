/** Tests of picture files and of resizing. */
@NullMarked
package quartet.image;

import org.jspecify.annotations.NullMarked;
