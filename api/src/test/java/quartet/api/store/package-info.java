/** Tests. */
@NullMarked
package quartet.api.store;

import org.jspecify.annotations.NullMarked;
