/** Tests of how a server is put together. */
@NullMarked
package quartet.api.serve;

import org.jspecify.annotations.NullMarked;
