/** What only Main's neighbours know: which module stands behind an interface. */
@NullMarked
package quartet.api;

import org.jspecify.annotations.NullMarked;
